import { isUtf8 } from 'node:buffer';
import { follows, GENESIS, KillSwitchError, type LogEvent, messageOf, readEvent } from '../../flags/index.ts';

/** A place in a log: after the event with this hash. */
export interface ChainEnd {
  readonly hash: string;
  readonly epoch: number;
}

export const BEFORE_FIRST: ChainEnd = { hash: GENESIS, epoch: 0 };

/**
 * The rule by which the lines of the file make a log, used by readers, writers and `verify` alike. The order in the file is the arbiter:
 * of two lines that follow the same event the first wins, and the other is a lost swap. A line that is not an event (a crash in the middle of an
 * append left it) is passed over when a later line still links to the head; if none does, or a line follows an event that is not here, something
 * is missing.
 */
export class LogChain {
  readonly #heads: string[];
  #earlier: Set<string> | null = null;
  #end: ChainEnd;
  #line = 0;
  #doubt: { readonly line: number; readonly error: unknown } | null = null;

  /** `start`: what the first line is expected to follow. Lines are then numbered from there. */
  constructor(start: ChainEnd = BEFORE_FIRST) {
    this.#end = start;
    this.#heads = [start.hash];
  }

  get end(): ChainEnd {
    return this.#end;
  }

  /** The next complete line, without its end: the event that it adds, or null when it adds none. @throws KillSwitchError CORRUPT */
  take(line: Uint8Array): LogEvent | null {
    this.#line += 1;
    if (line.length === 0) return null;
    let event: LogEvent;
    try {
      event = readEvent(decode(line));
    } catch (error) {
      this.#doubt ??= { line: this.#line, error };
      return null;
    }
    if (follows(event, this.#end.hash, this.#end.epoch)) {
      this.#end = { hash: event.hash, epoch: event.seq };
      this.#heads.push(event.hash);
      this.#earlier?.add(event.hash);
      this.#doubt = null;
      return event;
    }
    if (event.prev !== this.#end.hash) {
      // Lost swaps are rare, so the set is made for the first one only.
      this.#earlier ??= new Set(this.#heads);
      if (this.#earlier.has(event.prev)) return null;
    }
    throw this.#doubt ? this.#unreadable(this.#doubt) : this.#missing(event);
  }

  /** No more lines for now. @throws KillSwitchError CORRUPT when the last ones were not events: one that counts may have been among them */
  finish(): void {
    if (this.#doubt) throw this.#unreadable(this.#doubt);
  }

  #missing({ seq }: LogEvent): KillSwitchError {
    const { epoch } = this.#end;
    return new KillSwitchError(
      'CORRUPT',
      `Line ${this.#line} of the log is event ${seq}, which does not follow event ${epoch} before it: lines were removed, changed or moved.`,
    );
  }

  #unreadable({ line, error }: { readonly line: number; readonly error: unknown }): KillSwitchError {
    return new KillSwitchError('CORRUPT', `Line ${line} of the log is not what was written. ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function decode(line: Uint8Array): string {
  if (!isUtf8(line)) throw new KillSwitchError('CORRUPT', 'It is not UTF-8.');
  return Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8');
}
