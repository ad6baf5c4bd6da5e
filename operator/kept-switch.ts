import { entryKey, isKillSwitchError, type State, stateFrom } from '../flags/index.ts';
import { loadWhole, sameHead } from '../store/answers.ts';
import type { ControlConnection } from '../store/ports.ts';
import { newEvents } from './new-events.ts';
import { NotInitialisedError, type Place } from './refusals.ts';

/** The whole state at one moment, and the store's time then. */
export interface Whole {
  readonly state: State;
  readonly time: string;
}

type Connection = Pick<ControlConnection, 'load' | 'log' | 'read'>;

/**
 * The whole switch, for whoever looks at it again and again: it is loaded once, and then only what was appended since
 * is read, so that a look costs the same with a million kills. Where the log does not lead on from what is kept, it is
 * loaded anew.
 */
export class KeptSwitch {
  readonly #connection: Connection;
  readonly #place: Place;
  #state: State | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(connection: Connection, place: Place) {
    this.#connection = connection;
    this.#place = place;
  }

  /**
   * Hands out the switch as it is now. The next caller waits until `look` has ended: events change the state in place.
   * @throws KillSwitchError NOT_INITIALISED; whatever `look` throws
   */
  use<T>(look: (whole: Whole) => Promise<T>): Promise<T> {
    const mine = this.#last.then(async () => look(await this.#now()));
    this.#last = mine.catch(() => {}); // whoever asked is told
    return mine;
  }

  async #now(): Promise<Whole> {
    const kept = this.#state;
    this.#state = null; // where reading fails half way, nothing is kept
    const whole = (kept && (await this.#caughtUp(kept))) ?? (await this.#loaded());
    this.#state = whole.state;
    return whole;
  }

  /** Null where it has to be loaded. */
  async #caughtUp(state: State): Promise<Whole | null> {
    const { head, time } = await this.#connection.read([entryKey('control')]);
    if (!head || !state.head) return null;
    if (sameHead(head, state.head)) return { state, time };
    const events = await newEvents(this.#connection, state.head, head);
    if (!events) return null;
    try {
      for (const event of events) state.take(event);
    } catch (error) {
      if (isKillSwitchError(error)) return null; // loading says what a newer version has written
      throw error;
    }
    return { state, time };
  }

  async #loaded(): Promise<Whole> {
    const { head, entries, time } = await loadWhole(this.#connection);
    if (!head) throw new NotInitialisedError(this.#place);
    return { state: stateFrom(entries, head), time };
  }
}
