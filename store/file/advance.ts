import type { KillSwitchError, LogEvent } from '../../flags/index.ts';
import { CATCH_UP_EVENTS } from '../answers.ts';
import type { Base } from './snapshot-file.ts';

/** What is made of the events of one log: each is taken once, in order. `bytes`: how long its line is. */
export interface LogFold {
  take(event: LogEvent, bytes: number): void;
}

/** Makes one where reading begins: with the state of a snapshot that the log proves, or at the first line (null). */
export type BeginFold<F> = (base: Base | null) => F;

/** Events that one advance read; `'many'` when they are more than a follower would take one by one. */
export type ReadEvents = readonly LogEvent[] | 'many';

/** What an advance came to. */
export type Advance =
  /** The events that were appended since have been taken. */
  | { readonly is: 'further'; readonly events: ReadEvents }
  /**
   * All of the log was read, into a new fold: for the first time, because it was asked for, or because this is not the
   * file that was read before.
   */
  | { readonly is: 'anew' }
  /** It went wrong; the events that were appended before that place have been taken, and count. */
  | { readonly is: 'failed'; readonly error: KillSwitchError; readonly events: ReadEvents };

export interface AdvanceOptions<F> {
  /** All of the log, though it could be read further. */
  readonly everything?: boolean | undefined;
  /** Makes the fold of what is read anew; else whoever made the reader has said how. */
  readonly begin?: BeginFold<F> | undefined;
}

/** The events that are read further, as long as they are not too many to be told one by one. */
export class Fresh {
  events: LogEvent[] | 'many' = [];

  add(event: LogEvent): void {
    if (this.events === 'many') return;
    if (this.events.length === CATCH_UP_EVENTS) this.events = 'many';
    else this.events.push(event);
  }
}
