import { foldEvent, GENESIS, type Head, type LogEvent, State } from '../../flags/index.ts';
import { CATCH_UP_EVENTS } from '../answers.ts';
import type { HeadSink } from './file-reader.ts';

/** Where the log stands and its last events: enough to answer every confirmation of an executor that is not far behind. */
export class RecentEvents implements HeadSink {
  /** Holds what `init` and `recover` say of the log itself, and nothing else. */
  #state = new State();
  #events: LogEvent[] = [];
  #sizes: number[] = [];
  #bytes = 0;
  /** The hash that the oldest event here follows. */
  #before = GENESIS;

  /** The hash of a head that is known not to be in this log, so that the whole of it need not be searched again. */
  unlinked: string | null = null;

  get head(): Head | null {
    return this.#state.head;
  }

  begin(): void {
    this.#state = new State();
    this.#events = [];
    this.#sizes = [];
    this.#bytes = 0;
    this.#before = GENESIS;
    this.unlinked = null;
  }

  take(event: LogEvent, bytes: number): void {
    const aboutTheLog = event.type === 'init' || event.type === 'recover';
    this.#state.apply(aboutTheLog ? foldEvent(this.#state, event).patch : NOTHING, event);
    this.#events.push(event);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
    if (this.#events.length >= 2 * CATCH_UP_EVENTS || this.#bytes > MOST_BYTES) this.#dropOldest();
  }

  /** Half of them at a time, since moving the others up costs as much for one as for many. */
  #dropOldest(): void {
    const count = Math.floor(this.#events.length / 2);
    for (const size of this.#sizes.splice(0, count)) this.#bytes -= size;
    this.#before = this.#events.splice(0, count).at(-1)?.hash ?? this.#before;
  }

  /** The events after that head; `'reload'` when they are too many; undefined when it is not among what is remembered here. */
  after(held: Head): readonly LogEvent[] | 'reload' | undefined {
    const index = held.hash === this.#before ? -1 : this.#events.findLastIndex(({ hash }) => hash === held.hash);
    if (index < 0 && held.hash !== this.#before) return undefined;
    const count = this.#events.length - index - 1;
    return count > CATCH_UP_EVENTS ? 'reload' : this.#events.slice(index + 1);
  }
}

const NOTHING = { set: [], remove: [] };

/** What their lines may have together: a few events can be long. */
const MOST_BYTES = 8 * 1024 * 1024;
