import { type BigIntStats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { notify } from '../../flags/callbacks.ts';
import { isKillSwitchError, type KillSwitchError, type LogEvent } from '../../flags/index.ts';
import { type Advance, type AdvanceOptions, type BeginFold, Fresh, type LogFold } from './advance.ts';
import { archivedBase, archivedBeginning, beginningIsGone, chainAfter, whyNotFrom } from './archived.ts';
import { logError } from './file-errors.ts';
import { LogChain } from './log-chain.ts';
import { openFile, type OpenedFile } from './opened-file.ts';
import { ProvenFold } from './proven-fold.ts';
import { type Line, readLines } from './read-lines.ts';
import { type Base, readSnapshots, type SnapshotPlace } from './snapshot-file.ts';

export interface LogTailOptions {
  /** A reader that appends passes over torn lines at the end: its own lines come after them. */
  readonly reads: 'for writing' | 'for reading';
  /** Notified after each portion of how many bytes of how many have been read. */
  readonly onReading?: ((bytes: number, of: number) => void) | undefined;
}

/**
 * Where reading stands, and the last line that was read. While the file holds the same bytes there, it also holds all
 * that was read before.
 */
interface Position {
  readonly ino: bigint;
  readonly dev: bigint;
  /** Size and time from before the lines were read: a file that has a new time and the old size was not appended to. */
  readonly size: bigint;
  readonly mtimeNs: bigint;
  /** How much of the disk the file took then: less of the same size is one of which the first part was dropped. */
  readonly blocks: bigint;
  readonly start: number;
  readonly line: Buffer;
  /** The chain up to there, to read on with. */
  readonly chain: LogChain;
}

/** The open file, and how its fold is begun if it is read anew. */
interface Opened<F> {
  readonly file: OpenedFile;
  readonly stats: BigIntStats;
  readonly begin: BeginFold<F>;
}

interface ReadOn {
  readonly from: number;
  /** The line that must still be there, and was taken before. */
  readonly known?: Buffer | null;
  readonly chain: LogChain;
  readonly take: LogFold['take'];
}

/** How many hashes of earlier events a snapshot keeps. */
const EARLIER = 256;

/** Reads a log file as it grows. The caller makes one call at a time. */
export class LogTail<F extends LogFold> {
  readonly path: string;
  readonly #begin: BeginFold<F>;
  readonly #options: LogTailOptions;
  #fold: F;
  #position: Position | null = null;
  #steps = 0;

  constructor(path: string, begin: BeginFold<F>, options: LogTailOptions) {
    this.path = path;
    this.#begin = begin;
    this.#options = options;
    this.#fold = begin(null);
  }

  /** What was made of the log so far. Another object once all of it was read anew. */
  get fold(): F {
    return this.#fold;
  }

  /** Grows while the log is read, so that a waiting caller can tell a long log from a disk that hangs. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * True when the last lines are torn. None of them counts, but readers know that only once a line is appended after
   * them.
   */
  get torn(): boolean {
    return this.#position?.chain.torn ?? false;
  }

  /** How many bytes have been read, those before a snapshot included. */
  get offset(): number {
    return this.#position ? this.#position.start + this.#position.line.length + 1 : 0;
  }

  /** The place in the log for a snapshot of the present state; null when the last line is not its head's. */
  place(): Omit<SnapshotPlace, 'head'> | null {
    if (!this.#position) return null;
    const { chain, line } = this.#position;
    if (!line.includes(`"hash":"${chain.end.hash}"`)) return null;
    return { offset: this.offset, lines: chain.lines, earlier: chain.last(EARLIER) };
  }

  /** @throws KillSwitchError CORRUPT when the last lines are torn */
  checkWhole(): void {
    const torn = this.#whatIsTorn();
    if (torn) throw torn;
  }

  #whatIsTorn(): KillSwitchError | null {
    try {
      this.#position?.chain.finish();
      return null;
    } catch (error) {
      return logError(error, this.path);
    }
  }

  /** Whether the file looks as it did when it was last read. Only a hint: its last line is not compared. */
  looksRead(): boolean {
    const { ino, dev, size, mtimeNs } = this.#position ?? {};
    const now = statSync(this.path, { bigint: true, throwIfNoEntry: false });
    return now?.ino === ino && now?.dev === dev && now?.size === size && now?.mtimeNs === mtimeNs;
  }

  /**
   * Reads what was appended. Reads all of the log with `everything`, when this is not the file that was read before,
   * and after a failure other than torn lines at the end. Never rejects.
   */
  async advance({ everything = false, begin = this.#begin }: AdvanceOptions<F> = {}): Promise<Advance> {
    const before = everything ? null : this.#position;
    this.#position = null;
    const fresh = new Fresh();
    try {
      const is = await this.#read(before, begin, fresh);
      const torn = this.#options.reads === 'for reading' ? this.#whatIsTorn() : null;
      if (torn) return { is: 'failed', error: torn, events: is === 'further' ? fresh.events : [] };
      return is === 'further' ? { is, events: fresh.events } : { is };
    } catch (error) {
      this.#position = null;
      return { is: 'failed', error: logError(error, this.path), events: fresh.events };
    }
  }

  async #read(before: Position | null, begin: BeginFold<F>, fresh: Fresh): Promise<'further' | 'anew'> {
    const file = openFile(this.path);
    try {
      if (!file) {
        this.#fold = begin(null);
        return 'anew';
      }
      const opened = { file, stats: file.stats(), begin };
      if (before && (await this.#further(opened, before, fresh))) return 'further';
      fresh.events = []; // events that are read anew are not pushed one by one
      this.#position = null;
      if (!(await this.#fromSnapshot(opened))) await this.#fromBeginning(opened);
      return 'anew';
    } finally {
      file?.close();
    }
  }

  /** Reads on from `before`. False when this is another file, or only the whole log can explain its new lines. */
  async #further(opened: Opened<F>, before: Position, fresh: Fresh): Promise<boolean> {
    const { ino, dev, size, mtimeNs, blocks } = opened.stats;
    if (ino !== before.ino || dev !== before.dev) return false;
    if (size === before.size && mtimeNs !== before.mtimeNs && blocks >= before.blocks) return false;
    const fold = this.#fold;
    const take = (event: LogEvent, bytes: number): void => {
      fold.take(event, bytes);
      fresh.add(event);
    };
    return unlessCorrupt(async () => {
      const { start, line, chain } = before;
      const isStillThere = await this.#readOn(opened, { from: start, known: line, chain, take });
      if (isStillThere) this.#position ??= { ...before, size, mtimeNs, blocks };
      return isStillThere;
    });
  }

  /** Begins where the log does: with the state up to which it was archived, or with its first line. */
  async #fromBeginning(opened: Opened<F>): Promise<void> {
    const beginning = await archivedBeginning(this.path, opened.file);
    if (beginning) {
      const base = await archivedBase(beginning, opened.file);
      if (base && (await this.#from(opened, base, chainAfter(beginning)))) return;
      throw beginningIsGone(this.path);
    }
    try {
      await this.#fromFirstLine(opened);
    } catch (error) {
      throw await whyNotFrom(null, error, this.path, opened.file);
    }
  }

  async #fromFirstLine(opened: Opened<F>): Promise<void> {
    const fold = opened.begin(null);
    this.#fold = fold;
    const take = (event: LogEvent, bytes: number): void => fold.take(event, bytes);
    await this.#readOn(opened, { from: 0, chain: new LogChain(), take });
  }

  /**
   * Begins with the newest snapshot that the log proves. False when there is none, or only the whole log can explain
   * the lines after it.
   */
  async #fromSnapshot(opened: Opened<F>): Promise<boolean> {
    for await (const base of readSnapshots(dirname(this.path), opened.file)) {
      this.#steps += 1;
      if (await unlessCorrupt(() => this.#from(opened, base, quickChainAfter(base)))) return true;
      this.#position = null;
    }
    return false;
  }

  async #from(opened: Opened<F>, base: Base, chain: LogChain): Promise<boolean> {
    const fold = new ProvenFold(base.mark, () => (this.#fold = opened.begin(base)));
    const take = (event: LogEvent, bytes: number): void => fold.take(event, bytes);
    await this.#readOn(opened, { from: base.place.offset, chain, take });
    return fold.isProven;
  }

  /** Takes the lines from an offset on. False, and takes nothing, when the first of them is not the `known` one. */
  async #readOn(
    { file, stats }: Pick<Opened<F>, 'file' | 'stats'>,
    { from, known = null, chain, take }: ReadOn,
  ): Promise<boolean> {
    const { ino, dev, size, mtimeNs, blocks } = stats;
    let last: Line | null = null;
    let isKnown = known === null;
    for await (const batch of readLines(file, from)) {
      this.#steps += 1;
      if (!isKnown && known && !batch[0]?.bytes.equals(known)) return false;
      const lines = isKnown ? batch : batch.slice(1);
      isKnown = true;
      for (const { bytes } of lines) {
        const event = chain.take(bytes);
        if (event) take(event, bytes.length);
      }
      // An empty line could not be recognised again.
      const found = lines.findLast(({ bytes }) => bytes.length > 0);
      if (found) last = { start: found.start, bytes: Buffer.from(found.bytes) };
      const end = lines.at(-1);
      if (end) notify(this.#options.onReading, end.start + end.bytes.length + 1, Number(size));
    }
    chain.finish('for writing');
    if (last)
      this.#position = {
        ...{ ino, dev, size, mtimeNs, blocks },
        ...{ start: last.start, line: last.bytes, chain: chain.continued() },
      };
    return isKnown;
  }
}

/** The rule for the lines behind a snapshot. It remembers the last hashes only. */
function quickChainAfter({ place: { head, earlier, lines } }: Base): LogChain {
  return new LogChain({ hash: head.hash, epoch: head.epoch }, { forgets: true, earlier, lines });
}

/** False where the lines cannot be explained from there. Reading the whole log then tells whether they are damaged. */
async function unlessCorrupt(work: () => Promise<boolean>): Promise<boolean> {
  try {
    return await work();
  } catch (error) {
    if (isKillSwitchError(error) && error.code === 'CORRUPT') return false;
    throw error;
  }
}
