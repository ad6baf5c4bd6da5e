import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  type Entry,
  type EntryKey,
  hashSchema,
  headSchema,
  type LogEvent,
  parseEntry,
  readEvent,
  State,
} from '../../flags/index.ts';
import type { SnapshotMark } from '../capabilities/snapshots.ts';
import { openFile, type OpenedFile } from './opened-file.ts';
import { readLines } from './read-lines.ts';

/** Where in the log a snapshot was taken: right after the line of its head. */
const placeSchema = z.object({
  version: z.literal(1),
  head: headSchema,
  /** How many bytes of the log there are up to there. */
  offset: z.int().min(1),
  /** How many lines there are up to there. */
  lines: z.int().min(1),
  /** The hashes of the last events before the head: a lost swap behind it may follow one of these. */
  earlier: z.array(hashSchema),
});
export type SnapshotPlace = Omit<z.infer<typeof placeSchema>, 'version'>;

/**
 * A state that reading can begin with. It is not trusted until the log proves it with an event `snapshot` that has its
 * digest.
 */
export interface Base {
  readonly place: SnapshotPlace;
  readonly state: State;
  readonly mark: SnapshotMark;
  readonly bytes: number;
}

const NAME = /^snapshot-(\d+)-[0-9a-f]{16}\.jsonl$/;
const UNFINISHED = /^snapshot-.*\.tmp$/;
/**
 * How many snapshots are kept, and how many are tried at most: the last one may lack its proof, and a restored folder
 * may hold those of another log.
 */
const [KEPT, LOOKED_AT] = [3, 20];
const ABANDONED_MS = 3_600_000;
const AT_ONCE = 500;

const epochOf = (name: string): number => Number(NAME.exec(name)?.[1]);

/** The names of the snapshots in a folder, the newest first. */
async function snapshotNames(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => NAME.test(name));
  return names.sort((a, b) => epochOf(b) - epochOf(a));
}

/**
 * The snapshots of this log, the newest first. Files that cannot be read or belong to another log are passed over: a
 * snapshot only spares work.
 */
export async function* readSnapshots(folder: string, log: OpenedFile): AsyncGenerator<Base> {
  let names: string[];
  try {
    names = (await snapshotNames(folder)).slice(0, LOOKED_AT);
  } catch {
    return;
  }
  for (const name of names) {
    const base = await readSnapshot(join(folder, name), log).catch(() => null);
    if (base) yield base;
  }
}

/** The name of the snapshot with this mark. */
export const snapshotName = ({ epoch, digest }: SnapshotMark): string =>
  `snapshot-${epoch}-${digest.slice(0, 16)}.jsonl`;

/** Where a snapshot was taken, by its first line; null where it is none of this log. */
export async function readPlace(path: string, log: OpenedFile): Promise<SnapshotPlace | null> {
  const file = openFile(path);
  if (!file) return null;
  try {
    for await (const [first] of readLines(file, 0)) {
      const place = placeSchema.safeParse(JSON.parse(first?.bytes.toString('utf8') ?? ''));
      return place.success && (await endsAt(log, place.data)) ? place.data : null;
    }
    return null;
  } catch {
    return null;
  } finally {
    file.close();
  }
}

const isKeyAndEntry = (value: unknown): value is [EntryKey, unknown] =>
  Array.isArray(value) && typeof value[0] === 'string';

/** The state of a file, where it is one of this log. @throws Error for a file that cannot be read */
export async function readSnapshot(path: string, log: OpenedFile): Promise<Base | null> {
  const file = openFile(path);
  if (!file) return null;
  try {
    const state = new State();
    const digest = createHash('sha256');
    let place: SnapshotPlace | null = null;
    let bytes = 0;
    for await (const lines of readLines(file, 0)) {
      for (const line of lines) {
        const value: unknown = JSON.parse(line.bytes.toString('utf8'));
        digest.update(line.bytes).update('\n');
        bytes += line.bytes.length + 1;
        if (place) {
          if (!isKeyAndEntry(value)) return null;
          const [key, entry] = value;
          state.put(key, parseEntry(key, entry));
        } else {
          place = placeSchema.parse(value);
          if (!(await endsAt(log, place))) return null;
        }
      }
    }
    if (!place || state.control?.generation !== place.head.generation) return null;
    state.epoch = place.head.epoch;
    state.hash = place.head.hash;
    return { place, state, mark: { epoch: place.head.epoch, digest: digest.digest('hex') }, bytes };
  } finally {
    file.close();
  }
}

const FIRST_LOOK = 64 * 1024;

/** Whether the line of the log that ends at this offset is the event of this head. */
const endsAt = async (log: OpenedFile, place: SnapshotPlace): Promise<boolean> => (await lineOf(log, place)) !== null;

/** The event of a snapshot's head, and where in the log its line begins; null where that line is another one. */
export async function lineOf(
  log: OpenedFile,
  { head, offset }: SnapshotPlace,
): Promise<{ readonly event: LogEvent; readonly start: number } | null> {
  for (let length = FIRST_LOOK; ; length *= 4) {
    const from = Math.max(0, offset - length);
    const buffer = Buffer.alloc(offset - from);
    if ((await log.read(buffer, 0, from)) < buffer.length || buffer.at(-1) !== 0x0a) return null;
    const start = buffer.lastIndexOf(0x0a, -2) + 1;
    if (start === 0 && from > 0) continue;
    const event = readEvent(buffer.toString('utf8', start, buffer.length - 1));
    return event.hash === head.hash && event.seq === head.epoch ? { event, start: from + start } : null;
  }
}

/**
 * Writes a state beside the log: whole and on the disk, or not at all. Entries are written in portions, so that a large
 * state does not hold up the event loop.
 */
export async function writeSnapshot(
  folder: string,
  place: SnapshotPlace,
  entries: ReadonlyArray<readonly [EntryKey, Entry]>,
): Promise<{ readonly mark: SnapshotMark; readonly bytes: number }> {
  const { epoch } = place.head;
  const unfinished = join(folder, `snapshot-${epoch}-${randomUUID()}.tmp`);
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    const file = await open(unfinished, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL);
    try {
      const write = async (values: readonly unknown[]): Promise<void> => {
        const text = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''), 'utf8');
        hash.update(text);
        bytes += text.length;
        await file.writeFile(text);
      };
      await write([{ version: 1, ...place }]);
      for (let at = 0; at < entries.length; at += AT_ONCE) await write(entries.slice(at, at + AT_ONCE));
      await file.sync();
    } finally {
      await file.close();
    }
    const digest = hash.digest('hex');
    await rename(unfinished, join(folder, snapshotName({ epoch, digest })));
    await removeOld(folder, epoch).catch(() => {}); // the next one tidies up
    return { mark: { epoch, digest }, bytes };
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

/**
 * Removes older snapshots and unfinished ones, also those of a later log that a restored folder has brought. Recent
 * files may be those of another writer that is still at work.
 */
async function removeOld(folder: string, epoch: number): Promise<void> {
  const names = await snapshotNames(folder);
  const kept = new Set(names.filter((name) => epochOf(name) <= epoch).slice(0, KEPT));
  for (const name of await readdir(folder)) {
    if (kept.has(name) || !(NAME.test(name) || UNFINISHED.test(name))) continue;
    const path = join(folder, name);
    const isOld = NAME.test(name) && epochOf(name) < epoch;
    if (isOld || Date.now() - (await stat(path)).mtimeMs > ABANDONED_MS) await rm(path, { force: true });
  }
}
