import type { EntryKey, Head, LogEvent, Stop } from '../flags/index.ts';

/** The members of every answer of a store, which tell to which request it is an answer, and of when. */
export interface Answer {
  /**
   * The nonce of the request. With another one this is the answer to another request, which a hop in between has kept.
   */
  readonly nonce: string;
  /** The store's clock when it answered, RFC 3339 UTC, as `ControlView.time`. */
  readonly time: string;
  /**
   * How old the answer was when it was handed out, in milliseconds; 0 from the store itself. A hop, which asks the
   * store for others, adds the time since it *sent* its own question, by the larger of its two clocks, to the age of
   * the answer that it got. It answers from memory only an executor that holds a head which the hop has too. Any other
   * one would take the answer for a loss, so for that one the hop asks the store.
   */
  readonly ageMs: number;
}

/** The whole state of a store at one moment. */
export interface Snapshot extends Answer {
  /** Null: there is no control plane here (never initialised, or wiped). */
  readonly head: Head | null;
  readonly entries: Iterable<readonly [EntryKey, unknown]>;
  /** Whether the head that the asker holds is in this store's chain; true when it holds none. */
  readonly linked: boolean;
}

/** The answer to a confirmation: where the store stands, and how it gets there from the head that the asker holds. */
export interface Confirmation extends Answer {
  readonly head: Head | null;
  /**
   * The events after the held head, in order; `'reload'` when they are too many or nothing was held; null when the held
   * head is not in this store's chain.
   */
  readonly events: readonly LogEvent[] | 'reload' | null;
  /**
   * An executor has reported that this generation of the store contradicts a head that it had published: `full_stop`
   * for everyone.
   */
  readonly forkReported: boolean;
  /**
   * All stops of executors that are kept, also those that the log has or that are over: whoever reads them judges them
   * by the state. The same list again while nothing has changed.
   */
  readonly stops: readonly Stop[];
}
