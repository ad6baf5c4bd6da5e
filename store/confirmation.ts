import type { EntryKey, Head, LogEvent } from '../flags/index.ts';

/** What every answer of a store says of itself, so that who asked knows to what it is an answer, and of when. */
export interface Answer {
  /** The request's own. With another one it is the answer to another request, which somebody in between has kept. */
  readonly nonce: string;
  /** The store's clock when it answered, RFC 3339 UTC, as `ControlView.time`. */
  readonly time: string;
  /**
   * How old it was when it was handed out, in milliseconds: 0 where the store itself is asked. Who has asked the store
   * for another (a hop) says how long ago it *sent* its own question, by the larger of its two clocks, plus the age
   * that its answer had. From what it knows already it answers only who holds a head that it has as well: anybody else
   * would take the answer for a loss, so for them it asks the store.
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
   * Somebody has reported that this generation of the store contradicts a head that it had published: `full_stop` for
   * everyone.
   */
  readonly forkReported: boolean;
}
