import type { SnapshotMark } from '../capabilities/snapshots.ts';
import type { FileReader } from './file-reader.ts';
import type { FoldedLog } from './folded-log.ts';
import { localFreeBytes } from './network-filesystem.ts';
import type { FilePaths } from './paths.ts';
import { type Base, writeSnapshot } from './snapshot-file.ts';

/**
 * A snapshot is written when the log has grown since the last one by so many bytes, and by at least the size of the
 * snapshot: writing snapshots then costs no more than writing the log.
 */
const WORTH_BYTES = 2 * 1024 * 1024;

/**
 * About how many bytes one kill takes in a snapshot; the size of the last snapshot is a better guess where there is
 * one.
 */
const ENTRY_BYTES = 200;

/** How many bytes must stay free on the disk, for kills. */
const LEFT_BYTES = 64 * 1024 * 1024;

/**
 * Writes the state beside the log when that spares later readers enough, and returns the mark to append to the log, or
 * null. Appends do not wait while it is written. Failures are ignored: the log is whole without it.
 */
export function snapshotKeeper(
  paths: FilePaths,
  reader: FileReader<FoldedLog>,
  upToDate: <T>(work: () => Promise<T>) => Promise<T>,
): () => Promise<SnapshotMark | null> {
  let known: { readonly base: Base | null | undefined; readonly epoch: number; readonly offset: number } = {
    base: undefined,
    epoch: 0,
    offset: 0,
  };
  let size = 0;

  /** The snapshot to write, taken at one moment; null when it is not worth it. */
  const due = async () => {
    reader.log.checkKnown();
    const { base, snapshotEpoch: epoch, head, state } = reader.log;
    if (base !== known.base) {
      size = base?.bytes ?? 0;
      known = { base, epoch, offset: base?.place.offset ?? 0 };
    } else if (epoch > known.epoch) known = { base, epoch, offset: reader.offset };
    const place = reader.place();
    const likely = Math.max(size, state.killCount * ENTRY_BYTES);
    if (!head || !place || reader.offset - known.offset < Math.max(WORTH_BYTES, likely)) return null;
    if ((await localFreeBytes(paths.control)) < LEFT_BYTES + 2 * likely) return null;
    return { place: { ...place, head }, entries: [...state.entries()] };
  };

  return async () => {
    try {
      const snapshot = await upToDate(due);
      if (!snapshot) return null;
      const { mark, bytes } = await writeSnapshot(paths.control, snapshot.place, snapshot.entries);
      size = bytes;
      return mark;
    } catch {
      return null; // a full or read-only disk, or a damaged log: requests that need them fail and say so
    }
  };
}
