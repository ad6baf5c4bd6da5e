import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isKillSwitchError, type KillSwitchError, type LogEvent } from '../../flags/index.ts';
import { archivedMeanwhile } from '../archived-away.ts';
import { LogChain } from './log-chain.ts';
import { LostBeginning } from './file-errors.ts';
import { type OpenedFile, openFile } from './opened-file.ts';
import { type Base, lineOf, readPlace, readSnapshot, type SnapshotPlace } from './snapshot-file.ts';

// A log of which the first part was archived keeps its length: what was dropped is a hole, which takes no place on the
// disk and reads as zero bytes, up to the end of the line before the event that the log now begins with. Reading begins
// with the state after that event, in a file `archived-EPOCH-DIGEST.jsonl`: a snapshot under a name that stays.

const NAME = /^archived-(\d+)-[0-9a-f]{16}\.jsonl$/;

/** The name under which a snapshot is kept for good. */
export const archivedName = (snapshot: string): string => snapshot.replace(/^snapshot-/, 'archived-');

/** Where a log begins of which the first part was dropped. */
export interface Beginning {
  readonly path: string;
  readonly place: SnapshotPlace;
  /** The event of the head there, and where its line begins. */
  readonly event: LogEvent;
  readonly start: number;
}

/** The epoch in the name of a state that is kept for good. */
export const archivedEpoch = (name: string): number => Number(NAME.exec(name)?.[1]);

/** The states that are kept for good, the newest first. */
export async function archivedNames(folder: string): Promise<readonly string[]> {
  const found = await readdir(folder).catch((): string[] => []); // as for one without: reading says what is missing
  const names = found.filter((name) => NAME.test(name));
  return names.sort((a, b) => archivedEpoch(b) - archivedEpoch(a));
}

/** Where a log begins that was archived; null where no kept state says so, and it is to be read from its first line. */
export async function archivedBeginning(log: string, file: OpenedFile): Promise<Beginning | null> {
  if (!(await isZero(file, 0, 1))) return null;
  // Somebody who drops more, and then removes what was kept before, may be between the two.
  return (await beginningAmong(log, file)) ?? beginningAmong(log, file);
}

async function beginningAmong(log: string, file: OpenedFile): Promise<Beginning | null> {
  const folder = dirname(log);
  for (const name of await archivedNames(folder)) {
    const path = join(folder, name);
    const place = await readPlace(path, file);
    const line = place && (await lineOf(file, place));
    // What is before its line is dropped; with a later state that is kept, something of the log would be passed over.
    if (place && line && line.start > 1 && (await isZero(file, line.start - 2, 1))) return { path, place, ...line };
  }
  return null;
}

/**
 * The same of a log that is not open.
 * @throws KillSwitchError CORRUPT where its first part was dropped, and no kept state says so
 */
export async function archivedBeginningOf(log: string): Promise<Beginning | null> {
  const file = openFile(log);
  if (!file) return null;
  try {
    const beginning = await archivedBeginning(log, file);
    if (!beginning && (await isZero(file, 0, 1))) throw beginningIsGone(log);
    return beginning;
  } finally {
    file.close();
  }
}

/** The state there. It counts only if the log proves it. */
export const archivedBase = ({ path }: Beginning, file: OpenedFile): Promise<Base | null> =>
  readSnapshot(path, file).catch(() => null);

/** The rule for the lines behind the event that the log begins with. It remembers every hash that is left. */
export function chainAfter({ place }: Pick<Beginning, 'place'>): LogChain {
  const { head, earlier, lines } = place;
  return new LogChain({ hash: head.hash, epoch: head.epoch }, { earlier, lines, archived: head.epoch });
}

/** The same from that event on. */
export function chainFrom({ place, event }: Beginning, options: { readonly forgets: boolean }): LogChain {
  const { earlier, lines, head } = place;
  const before = { hash: event.prev, epoch: event.seq - 1 };
  return new LogChain(before, { ...options, earlier, lines: lines - 1, archived: head.epoch });
}

/** How many zero bytes are surely part of the hole, and not what a power failure has left of one write. */
const BLOCK = 64 * 1024;

/** An offset in the hole near its end, found by bisection; 0 where there is none. */
export async function nearEndOfHole(file: OpenedFile): Promise<number> {
  if (!(await isZero(file, 0, 1))) return 0;
  let low = 0;
  let high = Number(file.stats().size);
  while (high - low > BLOCK) {
    const middle = Math.floor((low + high) / 2);
    if (await isZero(file, middle, BLOCK)) low = middle;
    else high = middle;
  }
  return low;
}

async function isZero(file: OpenedFile, from: number, length: number): Promise<boolean> {
  const buffer = Buffer.alloc(length);
  return (await file.read(buffer, 0, from)) === length && buffer.every((byte) => byte === 0);
}

/**
 * What is wrong with a log that could not be read from where it began (null: its first line): the state is missing with
 * which it begins, or more of its first part was dropped just then.
 */
export async function whyNotFrom(
  began: Beginning | null,
  error: unknown,
  log: string,
  file: OpenedFile,
): Promise<unknown> {
  if (!isKillSwitchError(error) || error.code !== 'CORRUPT' || !(await isZero(file, 0, 1))) return error;
  const begins = await archivedBeginning(log, file);
  if (!begins) return beginningIsGone(log, error);
  return begins.place.head.hash === began?.place.head.hash ? error : archivedMeanwhile();
}

/** The state is gone with which a log goes on. */
export const beginningIsGone = (log: string, cause?: unknown): KillSwitchError =>
  new LostBeginning(
    'CORRUPT',
    `The first part of ${log} was archived and dropped, and the state that it goes on from (archived-EPOCH-….jsonl beside it) is missing or was changed. Put that file back as it was.`,
    { cause },
  );
