import { isUtf8 } from 'node:buffer';
import { follows, GENESIS, KillSwitchError, type LogEvent, messageOf, readEvent } from '../../flags/index.ts';
import { isOnlySpoiled, tornLine } from './torn-line.ts';

/** A place in a log: after the event with this hash. */
export interface ChainEnd {
  readonly hash: string;
  readonly epoch: number;
}

const BEFORE_FIRST: ChainEnd = { hash: GENESIS, epoch: 0 };

/**
 * How many hashes of the last events are remembered: a writer has read the log seconds before it appends, so its line
 * follows one of these.
 */
const REMEMBERED = 8192;

/** A line that is not an event, and whether our own writers can have left it there (`torn`). */
interface Doubt {
  readonly line: number;
  readonly error: unknown;
  readonly torn: boolean;
}

interface ChainOptions {
  /**
   * Remembers only the last hashes. A line of a writer that slept for long then counts as one that follows no event of
   * this log.
   */
  readonly forgets?: boolean | undefined;
  /** The hashes of events before the start. */
  readonly earlier?: readonly string[] | undefined;
  /** How many lines there are before the start. */
  readonly lines?: number | undefined;
  /** Up to which event the log is archived; 0: it is not. Which hashes those events have, nobody knows here. */
  readonly archived?: number | undefined;
}

/**
 * The rule by which the lines of the file make a log, for readers, writers and `verify` alike. The order in the file
 * decides: of two lines that follow the same event the first wins. The other is a lost swap, and so are the lines that
 * the same write put right after it. A line that is not an event is passed over when a later line still links to the
 * head. Until one does, it is damage for readers, since it may have been an event. For writers it is damage unless it
 * is *torn*, cut as our own writers leave lines when they die: the line that they append next settles it for everyone.
 * A line that follows an event which is not here proves that lines are missing. One that has the number of an archived
 * event does not: it can go on with nothing that is here, and is the lost swap of a writer that slept for long.
 */
export class LogChain {
  readonly #forgets: boolean;
  readonly #archived: number;
  #heads: string[];
  #earlier: Set<string> | null = null;
  #end: ChainEnd;
  #line = 0;
  #doubt: Doubt | null = null;
  /** The last line, where it is a lost swap. */
  #lost: LogEvent | null = null;

  /**
   * `start`: what the first line is expected to follow.
   */
  constructor(
    start: ChainEnd = BEFORE_FIRST,
    { forgets = false, earlier = [], lines = 0, archived = 0 }: ChainOptions = {},
  ) {
    this.#end = start;
    this.#heads = [...earlier, start.hash];
    this.#forgets = forgets;
    this.#archived = archived;
    this.#line = lines;
  }

  /** How many lines were taken, those before the start included. */
  get lines(): number {
    return this.#line;
  }

  /** The hashes of the last events. */
  last(count: number): string[] {
    return this.#heads.slice(-count);
  }

  get end(): ChainEnd {
    return this.#end;
  }

  /** True when the last lines are torn, and nothing worse. */
  get torn(): boolean {
    return this.#doubt?.torn ?? false;
  }

  /** A chain to read on with from here: it remembers only the last hashes. */
  continued(): LogChain {
    if (this.#forgets) return this;
    const chain = new LogChain(this.#end, { forgets: true, archived: this.#archived });
    chain.#heads = this.#heads.slice(-REMEMBERED);
    chain.#line = this.#line;
    chain.#doubt = this.#doubt;
    chain.#lost = this.#lost;
    return chain;
  }

  /**
   * The next complete line, without its end: the event that it adds, or null when it adds none.
   * @throws KillSwitchError CORRUPT
   */
  take(line: Uint8Array): LogEvent | null {
    this.#line += 1;
    if (line.length === 0 || isOnlySpoiled(line)) return null;
    const lost = this.#lost;
    this.#lost = null;
    let event: LogEvent;
    try {
      event = readEvent(decode(line));
    } catch (error) {
      this.#unread(line, error);
      return null;
    }
    if (follows(event, this.#end.hash, this.#end.epoch)) {
      this.#end = { hash: event.hash, epoch: event.seq };
      this.#remember(event.hash);
      this.#doubt = null;
      return event;
    }
    const isLost = (): boolean =>
      isOfOneWrite(lost, event) || event.seq <= this.#archived || this.#isEarlier(event.prev);
    if (event.prev !== this.#end.hash && isLost()) {
      this.#lost = event;
      return null;
    }
    throw this.#doubt ? this.#unreadable(this.#doubt) : this.#missing(event);
  }

  /**
   * No more lines for now.
   * @throws KillSwitchError CORRUPT when the last ones were not events: one that counts may have been among them
   */
  finish(reads: 'for writing' | 'for reading' = 'for reading'): void {
    if (this.#doubt && !(reads === 'for writing' && this.#doubt.torn)) throw this.#unreadable(this.#doubt);
  }

  #unread(line: Uint8Array, error: unknown): void {
    const torn = tornLine(line);
    this.#lost = torn?.joined.at(-1) ?? null;
    const before = this.#doubt;
    if (!before) this.#doubt = { line: this.#line, error, torn: torn !== null };
    else if (before.torn && !torn) this.#doubt = { line: this.#line, error, torn: false };
  }

  #remember(hash: string): void {
    this.#heads.push(hash);
    this.#earlier?.add(hash);
    if (!this.#forgets || this.#heads.length < 2 * REMEMBERED) return;
    this.#heads = this.#heads.slice(-REMEMBERED);
    this.#earlier = null;
  }

  #isEarlier(hash: string): boolean {
    // Lost swaps are rare, so the set is made for the first one only.
    this.#earlier ??= new Set(this.#heads);
    return this.#earlier.has(hash);
  }

  #missing({ seq }: LogEvent): KillSwitchError {
    const { epoch } = this.#end;
    return new KillSwitchError(
      'CORRUPT',
      `Line ${this.#line} of the log is event ${seq}, which does not follow event ${epoch} before it: lines were removed, changed or moved.`,
    );
  }

  #unreadable({ line, error }: Doubt): KillSwitchError {
    return new KillSwitchError('CORRUPT', `Line ${line} of the log is not what was written. ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/**
 * True when both events can be of one write: that plans its events at one time, each upon the one before. An event that
 * another writer planned has another time.
 */
const isOfOneWrite = (before: LogEvent | null, event: LogEvent): boolean =>
  before !== null && follows(event, before.hash, before.seq) && event.at === before.at;

function decode(line: Uint8Array): string {
  if (!isUtf8(line)) throw new KillSwitchError('CORRUPT', 'It is not UTF-8.');
  return Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8');
}
