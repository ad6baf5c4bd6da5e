import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, type Stats } from 'node:fs';
import { KillSwitchError } from '../../flags/index.ts';
import type { JournalEntry } from '../capabilities/journal.ts';
import { endedEntry, unreadableIntent } from '../journal-entries.ts';
import { errnoOf, fileError } from './file-errors.ts';
import { checkNotLost, inFolder, type OpenFolder } from './folder.ts';
import { JournalIndex, type Noted, parseLine, type Place } from './journal-index.ts';
import { OpenedFile } from './opened-file.ts';
import { ReadBlocks } from './read-blocks.ts';
import { LINES } from './own-lines.ts';
import type { FilePaths } from './paths.ts';
import { readLines } from './read-lines.ts';

/** The ending of a file that is about to be removed: it is read like the others, and nobody adds to it. */
export const LEAVING = `${LINES}.gone`;

/** When an executor begins another file, in bytes. */
export const ROTATE_BYTES = 16 * 1024 * 1024;

/**
 * How much of one file is read, and of how many files: far more than executors write. What is beyond that is another
 * user's doing, who hides only what is theirs.
 */
const [LONGEST_FILE, MOST_FILES] = [8 * ROTATE_BYTES, 100_000];

/** One file of a journal, as far as it was read. */
export interface JournalFile {
  /** It is this very file, whatever its name has become. */
  readonly identity: string;
  readonly owner: number;
  name: string;
  /** Up to where its lines were read. */
  offset: number;
  /** The latest time that was read in it, RFC 3339 UTC; '': none was. */
  latest: string;
}

/** How many lines are read between two turns of the event loop. */
const BETWEEN_TURNS = 500;

const identityOf = ({ dev, ino }: Stats): string => `${dev}:${ino}`;

/**
 * The journals of all executors of an organization, read from their files as these grow. What is remembered is an index
 * (`JournalIndex`); results and reverse operations stay in the files.
 */
export class JournalFiles {
  readonly #paths: Pick<FilePaths, 'root' | 'journal' | 'made'>;
  readonly #files = new Map<string, JournalFile>();
  readonly index = new JournalIndex<JournalFile>();
  #steps = 0;

  constructor(paths: Pick<FilePaths, 'root' | 'journal' | 'made'>) {
    this.#paths = paths;
  }

  /** Grows with each line that is read. */
  get steps(): number {
    return this.#steps;
  }

  get files(): Iterable<JournalFile> {
    return this.#files.values();
  }

  /** The file under this name now; undefined where there is none. */
  named(name: string): JournalFile | undefined {
    for (const file of this.#files.values()) if (file.name === name) return file;
    return undefined;
  }

  /**
   * Reads all that was written before this was called. One at a time.
   * @throws KillSwitchError where the folder or a file in it cannot be read now
   */
  async advance(): Promise<void> {
    try {
      const found = await inFolder(this.#paths.root, this.#paths.journal, async (open) => {
        const grown = this.#look(open);
        for (const { file, size } of grown) await this.#read(open, file, size);
      });
      if (found !== null) return;
      checkNotLost({ path: this.#paths.journal, made: this.#paths.made });
      this.#forgetAllBut(new Set());
    } catch (error) {
      throw fileError(error, 'read', this.#paths.journal);
    }
  }

  /** Lists the files: one moment, since all of it is synchronous. */
  #look(open: OpenFolder): Array<{ readonly file: JournalFile; readonly size: number }> {
    const grown: Array<{ readonly file: JournalFile; readonly size: number }> = [];
    const there = new Set<string>();
    for (const name of readdirSync(open.self)) {
      if (!name.endsWith(LINES) && !name.endsWith(LEAVING)) continue;
      const stats = lstatSync(open.at(name), { throwIfNoEntry: false });
      // A link, a pipe, or a file with several names is not this package's.
      if (!stats?.isFile() || stats.nlink !== 1 || there.size >= MOST_FILES) continue;
      const identity = identityOf(stats);
      let file = this.#files.get(identity);
      if (file && (stats.size < file.offset || stemOf(file.name) !== stemOf(name))) {
        this.#forget(file);
        file = undefined;
      }
      file ??= { identity, owner: stats.uid, name, offset: 0, latest: '' };
      file.name = name;
      this.#files.set(identity, file);
      there.add(identity);
      const size = Math.min(stats.size, LONGEST_FILE);
      if (size > file.offset) grown.push({ file, size });
    }
    this.#forgetAllBut(there);
    return grown;
  }

  #forgetAllBut(there: ReadonlySet<string>): void {
    for (const file of [...this.#files.values()]) if (!there.has(file.identity)) this.#forget(file);
  }

  #forget(file: JournalFile): void {
    this.#files.delete(file.identity);
    this.index.drop(file);
  }

  async #read(open: OpenFolder, file: JournalFile, size: number): Promise<void> {
    const opened = openRegular(open, file);
    if (opened === null) return;
    try {
      let read = 0;
      for await (const lines of readLines(opened, file.offset)) {
        for (const { start, bytes } of lines) {
          if (start >= size) return;
          const length = bytes.length;
          if (length > 0) this.index.take(bytes.toString('utf8'), { file, from: start, length });
          file.offset = start + length + 1;
          this.#steps += 1;
          read += 1;
          if (read % BETWEEN_TURNS === 0) await new Promise((resolve) => setImmediate(resolve));
        }
      }
    } finally {
      opened.close();
    }
  }

  /** Whole entries, read from their lines. */
  async entries(all: readonly Noted<JournalFile>[]): Promise<JournalEntry[]> {
    const found = await inFolder(this.#paths.root, this.#paths.journal, async (open) => {
      const opened = new Map<JournalFile, ReadBlocks | null>();
      const lineAt = async ({ file, from, length }: Place<JournalFile>): Promise<string> => {
        if (!opened.has(file)) {
          const regular = openRegular(open, file);
          opened.set(file, regular && new ReadBlocks(regular, all.length > 1));
        }
        return (await opened.get(file)?.text(from, length)) ?? '';
      };
      try {
        const entries: JournalEntry[] = [];
        for (const noted of all) {
          entries.push(await entryOf(noted, lineAt));
          this.#steps += 1;
        }
        return entries;
      } finally {
        for (const file of opened.values()) file?.close();
      }
    });
    return found ?? [];
  }
}

const stemOf = (name: string): string => name.slice(0, name.lastIndexOf(LINES));

/** Opens a file that was looked at, without following a link; null where it is another one now. */
function openRegular(open: OpenFolder, { name, identity }: JournalFile): OpenedFile | null {
  let fd: number;
  try {
    fd = openSync(open.at(name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    // It was removed or exchanged; or its user lets nobody read it, and so hides only what is their own.
    if (['ENOENT', 'ELOOP', 'EACCES', 'ENXIO'].includes(errnoOf(error) ?? '')) return null;
    throw error;
  }
  if (identityOf(fstatSync(fd)) === identity) return new OpenedFile(fd);
  closeSync(fd);
  return null;
}

async function entryOf(
  { key, attempt, runId, by, intent, end, state, intendedAt }: Noted<JournalFile>,
  lineAt: (place: Place<JournalFile>) => Promise<string>,
): Promise<JournalEntry> {
  const first = parseLine(await lineAt(intent));
  const last = end && parseLine(await lineAt(end));
  if (!first || !('intended' in first) || (end && (!last || !('ended' in last))))
    throw new KillSwitchError('STORE_UNREACHABLE', 'A journal was changed while it was read: read it again.');
  const intended = first.intended.idempotency_key === key ? first.intended : null;
  const entry: JournalEntry = {
    ...(intended ?? unreadableIntent(key, { attempt, run_id: runId })),
    state: 'intended',
    ...{ executor_id: by, executor_name: first.by.name, intended_at: intendedAt, at: intendedAt },
  };
  if (!last || !('ended' in last)) return entry;
  // What was unknown before it landed is not read again: the state is that of the last line that counts.
  return state === 'intended' ? entry : endedEntry(entry, last.end, last.at);
}
