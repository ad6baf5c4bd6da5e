import type { SnapshotMark } from '../ports.ts';
import type { FileReader } from './file-reader.ts';
import type { FoldedLog } from './folded-log.ts';
import { localFreeBytes } from './network-filesystem.ts';
import type { FilePaths } from './paths.ts';
import { type Base, writeSnapshot } from './snapshot-file.ts';

/**
 * A snapshot is kept when the log has grown by so many bytes since the last one, and by as many as the snapshot itself
 * has: what is written stays in proportion to what changes.
 */
const WORTH_BYTES = 2 * 1024 * 1024;

/** About what one kill takes; the size of the last snapshot is known better. */
const ENTRY_BYTES = 200;

/** What is left free on the disk, at least: it is for kills. */
const LEFT_BYTES = 64 * 1024 * 1024;

/**
 * Keeps the state beside the log when that spares later readers enough; answers what is then to be appended, or null.
 * Appends do not wait while it is written. Whatever goes wrong with it is nobody's trouble: the log is whole without
 * it.
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

  /** What is to be written, taken at one moment; null when that is not worth it. */
  const due = async () => {
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
      return null; // a full or read-only disk, a log that is damaged: who changes or reads the switch is told
    }
  };
}
