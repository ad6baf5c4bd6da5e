import { GENESIS, generationBegun, type Head, type Known, type LogEvent, State } from '../../flags/index.ts';
import { CATCH_UP_EVENTS } from '../answers.ts';
import type { LogFold } from './advance.ts';
import type { ChainEnd } from './log-chain.ts';
import type { Base } from './snapshot-file.ts';

/**
 * The head of the log and its last events: enough to answer every confirmation of an executor that is not far behind.
 */
export class RecentEvents implements LogFold {
  /** Holds what `init` and `recover` say about the log itself (the entry `control`), and nothing else. */
  readonly #state = new State();
  readonly #events: LogEvent[] = [];
  readonly #sizes: number[] = [];
  #bytes = 0;
  #before: ChainEnd;
  #unlinked: string | null = null;

  constructor(base: Base | null) {
    if (!base) {
      this.#before = { hash: GENESIS, epoch: 0 };
      return;
    }
    const { hash, epoch, control } = base.state;
    this.#before = { hash, epoch };
    this.#state.apply({ set: control ? [['control', control]] : [], remove: [] }, { seq: epoch, hash });
  }

  get head(): Head | null {
    return this.#state.head;
  }

  /** The event before the oldest one here. */
  get before(): ChainEnd {
    return this.#before;
  }

  /** Remembers that the whole log was searched and does not have this head, so that it is not searched again. */
  doesNotHave({ hash }: Head): void {
    this.#unlinked = hash;
  }

  take(event: LogEvent, bytes: number): void {
    if (generationBegun(event.type)) this.#state.takeOrPassOver(event);
    else this.#state.passOver(event);
    this.#events.push(event);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
    if (this.#events.length >= 2 * CATCH_UP_EVENTS || this.#bytes > MOST_BYTES) this.#dropOldest();
  }

  /** Drops half of them at a time, since moving the others up costs as much for one as for many. */
  #dropOldest(): void {
    const count = Math.floor(this.#events.length / 2);
    for (const size of this.#sizes.splice(0, count)) this.#bytes -= size;
    const last = this.#events.splice(0, count).at(-1);
    if (last) this.#before = { hash: last.hash, epoch: last.seq };
  }

  /** What the log says about itself: its generations, and whose reports do not count. */
  get known(): Known {
    return this.#state.control ?? { generations: [] };
  }

  /** Whether this very head is in the log; null where it is older than the events here. */
  has(head: Head): boolean | null {
    const events = this.after(head);
    return events === undefined ? null : events !== null;
  }

  /**
   * The events after this head; `'reload'` when they are too many; null when it is not in the log; undefined when it is
   * older than the events here.
   */
  after(held: Head): readonly LogEvent[] | 'reload' | null | undefined {
    const index = held.hash === this.#before.hash ? -1 : this.#events.findLastIndex(({ hash }) => hash === held.hash);
    if (index < 0 && held.hash !== this.#before.hash) {
      return held.epoch >= this.#before.epoch || held.hash === this.#unlinked ? null : undefined;
    }
    const count = this.#events.length - index - 1;
    return count > CATCH_UP_EVENTS ? 'reload' : this.#events.slice(index + 1);
  }
}

/** How many bytes their lines may have together: a few events can be long. */
const MOST_BYTES = 8 * 1024 * 1024;
