import type { BigIntStats } from 'node:fs';
import { dirname } from 'node:path';
import { notify } from '../../flags/callbacks.ts';
import { isKillSwitchError, KillSwitchError, type LogEvent } from '../../flags/index.ts';
import { type Advance, type AdvanceOptions, type BeginFold, Fresh, type LogFold } from './advance.ts';
import { fileError } from './file-errors.ts';
import { LogChain } from './log-chain.ts';
import { openFile, type OpenedFile } from './opened-file.ts';
import { type Line, readLines } from './read-lines.ts';
import { type Base, readSnapshots, type SnapshotPlace } from './snapshot-file.ts';

export interface LogTailOptions {
  /** Who reads for writing passes over torn lines at the end: what it appends comes after them. */
  readonly reads: 'for writing' | 'for reading';
  /** Told how many bytes of how many have been read, chunk by chunk. */
  readonly onReading?: ((bytes: number, of: number) => void) | undefined;
}

/**
 * Where reading stands, and the last line read: while those bytes are there, in the same file, so is all that was read
 * before.
 */
interface Position {
  readonly ino: bigint;
  readonly dev: bigint;
  /** Both as they were before the lines were read: a file that changed without growing was not appended to. */
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly start: number;
  readonly line: Buffer;
  /** What has been read, and remembers its last lines: it is read on with it. */
  readonly chain: LogChain;
}

/** The file as it was opened, and what is made of it if it is read anew. */
interface Opened<F> {
  readonly file: OpenedFile;
  readonly stats: BigIntStats;
  readonly begin: BeginFold<F>;
}

interface ReadOn {
  readonly from: number;
  /** What is to stand there, and was taken before. */
  readonly known?: Buffer | null;
  readonly chain: LogChain;
  readonly take: LogFold['take'];
}

/** A snapshot that the log has not proven within so many events is not waited for: its writer died, or lost it. */
const PROVEN_WITHIN = 20_000;

const EARLIER = 256;

/** Reads a log file as it grows. One call at a time: the caller sees to that. */
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

  /** What has been read, up to here. It is another one once all was read anew. */
  get fold(): F {
    return this.#fold;
  }

  /** Grows while something is read: who waits can tell a long log from a disk that hangs. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * True when the last lines are torn: nothing counts among them, and only what somebody appends will tell readers so.
   */
  get torn(): boolean {
    return this.#position?.chain.torn ?? false;
  }

  /** How many bytes have been read up to here, those before a snapshot included. */
  get offset(): number {
    return this.#position ? this.#position.start + this.#position.line.length + 1 : 0;
  }

  /** Where a snapshot of the present state would stand; null when the last line is not the head's. */
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
      return explained(error, this.path);
    }
  }

  /**
   * Reads what was appended; or, when asked to or when this is not the file that was read before, all of it. After a
   * failure the next call reads all of it, except where the last lines were torn. Never rejects.
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
      return { is: 'failed', error: explained(error, this.path), events: fresh.events };
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
      fresh.events = []; // what is read anew is not told event by event
      this.#position = null;
      if (!(await this.#fromSnapshot(opened))) await this.#fromFirstLine(opened);
      return 'anew';
    } finally {
      file?.close();
    }
  }

  /** False when it is another file, or has lines that only the whole of it can explain. */
  async #further(opened: Opened<F>, before: Position, fresh: Fresh): Promise<boolean> {
    const { ino, dev, size, mtimeNs } = opened.stats;
    if (ino !== before.ino || dev !== before.dev) return false;
    if (size === before.size && mtimeNs !== before.mtimeNs) return false;
    const fold = this.#fold;
    const take = (event: LogEvent, bytes: number): void => {
      fold.take(event, bytes);
      fresh.add(event);
    };
    return unlessCorrupt(async () => {
      const { start, line, chain } = before;
      const isStillThere = await this.#readOn(opened, { from: start, known: line, chain, take });
      if (isStillThere) this.#position ??= { ...before, size, mtimeNs };
      return isStillThere;
    });
  }

  async #fromFirstLine(opened: Opened<F>): Promise<void> {
    const fold = opened.begin(null);
    this.#fold = fold;
    const take = (event: LogEvent, bytes: number): void => fold.take(event, bytes);
    await this.#readOn(opened, { from: 0, chain: new LogChain(), take });
  }

  /**
   * Begins with the newest snapshot that the log proves. False when there is none, or when what follows needs the whole
   * log to be explained.
   */
  async #fromSnapshot(opened: Opened<F>): Promise<boolean> {
    for await (const base of readSnapshots(dirname(this.path), opened.file)) {
      this.#steps += 1;
      if (await unlessCorrupt(() => this.#from(opened, base))) return true;
      this.#position = null;
    }
    return false;
  }

  async #from(opened: Opened<F>, base: Base): Promise<boolean> {
    const { head, offset, lines, earlier } = base.place;
    /** What was read before the proof. */
    const waiting: Array<readonly [LogEvent, number]> = [];
    let fold: F | null = null;
    const take = (event: LogEvent, bytes: number): void => {
      if (fold) return fold.take(event, bytes);
      waiting.push([event, bytes]);
      if (proves(event, base)) {
        fold = opened.begin(base);
        this.#fold = fold;
        for (const [event, bytes] of waiting.splice(0)) fold.take(event, bytes);
      } else if (waiting.length > PROVEN_WITHIN) throw new KillSwitchError('CORRUPT', 'Nothing proves this snapshot.');
    };
    const chain = new LogChain({ hash: head.hash, epoch: head.epoch }, { forgets: true, earlier, lines });
    await this.#readOn(opened, { from: offset, chain, take });
    return fold !== null;
  }

  /**
   * Takes the lines from there on. False, and nothing was taken, where the first of them is not the one that is `known`
   * to have been there.
   */
  async #readOn(
    { file, stats }: Pick<Opened<F>, 'file' | 'stats'>,
    { from, known = null, chain, take }: ReadOn,
  ): Promise<boolean> {
    const { ino, dev, size, mtimeNs } = stats;
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
      // An empty line would tell nothing apart.
      const found = lines.findLast(({ bytes }) => bytes.length > 0);
      if (found) last = { start: found.start, bytes: Buffer.from(found.bytes) };
      const end = lines.at(-1);
      if (end) notify(this.#options.onReading, end.start + end.bytes.length + 1, Number(size));
    }
    chain.finish('for writing');
    if (last)
      this.#position = { ino, dev, size, mtimeNs, start: last.start, line: last.bytes, chain: chain.continued() };
    return isKnown;
  }
}

const proves = ({ type, data }: LogEvent, { mark }: Base): boolean =>
  type === 'snapshot' && data['epoch'] === mark.epoch && data['digest'] === mark.digest;

/** False where it cannot be explained from there: the whole log then says what is wrong, if anything is. */
async function unlessCorrupt(work: () => Promise<boolean>): Promise<boolean> {
  try {
    return await work();
  } catch (error) {
    if (isKillSwitchError(error) && error.code === 'CORRUPT') return false;
    throw error;
  }
}

/** What went wrong with reading the log, as it is told. */
export const explained = (error: unknown, path: string): KillSwitchError =>
  isKillSwitchError(error) && error.code === 'CORRUPT' ? damaged(path, error) : fileError(error, 'read', path);

/** What people are told about a log that cannot be trusted. */
const damaged = (path: string, error: KillSwitchError): KillSwitchError =>
  new KillSwitchError(
    'CORRUPT',
    `${path} is damaged. ${error.message} Keep a copy of it, put a good one in its place (or cut it off before the first bad line), then run: kill-switch recover --reason "…"`,
    { cause: error },
  );
