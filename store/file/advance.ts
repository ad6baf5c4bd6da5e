import type { KillSwitchError, LogEvent } from '../../flags/index.ts';
import { CATCH_UP_EVENTS } from '../answers.ts';
import type { Base } from './snapshot-file.ts';

/**
 * Something that is made of all events of one log. It takes each event once, in order. `bytes`: the length of its line.
 */
export interface LogFold {
  take(event: LogEvent, bytes: number): void;
}

/** Makes a fold for where reading begins: at a snapshot that the log proves, or at the first line (null). */
export type BeginFold<F> = (base: Base | null) => F;

/** The events that one advance has read; `'many'` when they are too many to be pushed one by one. */
export type ReadEvents = readonly LogEvent[] | 'many';

/** What came of reading on. */
export type Advance =
  /** The events that were appended since have been taken. */
  | { readonly is: 'further'; readonly events: ReadEvents }
  /**
   * All of the log was read, into a new fold: for the first time, because it was asked for, or because this is not the
   * file that was read before.
   */
  | { readonly is: 'anew' }
  /** Reading failed. The events before the place where it failed have been taken, and count. */
  | { readonly is: 'failed'; readonly error: KillSwitchError; readonly events: ReadEvents };

export interface AdvanceOptions<F> {
  /** Reads all of the log anew, even where it could be read on. */
  readonly everything?: boolean | undefined;
  /** Makes the fold of a log that is read anew; default: the one that the reader was made with. */
  readonly begin?: BeginFold<F> | undefined;
}

/** Collects the events that are read on, as long as they are not too many to be pushed one by one. */
export class Fresh {
  events: LogEvent[] | 'many' = [];

  add(event: LogEvent): void {
    if (this.events === 'many') return;
    if (this.events.length === CATCH_UP_EVENTS) this.events = 'many';
    else this.events.push(event);
  }
}
