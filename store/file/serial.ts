import { KillSwitchError } from '../../flags/index.ts';
import { closedError } from './file-errors.ts';
import { within } from '../with-deadline.ts';

/** Tells work that has begun whether its caller has given up. */
export interface Slot {
  readonly abandoned: boolean;
}

interface Patience {
  readonly ms: number;
  /** A number that grows while work gets on. With it, a caller gives up only when there was no step at all for `ms`. */
  readonly steps?: (() => number) | undefined;
}

/**
 * Does one piece of work at a time. Each caller waits for at most `ms` milliseconds. Work that has begun goes on to its
 * end all the same, so that reading a long log helps the next caller. Work whose caller gives up before it begins is
 * never begun.
 */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;
  /** Says that the time is over. Made once: an error of its own for each request costs as much as the rest of it. */
  readonly #late = new Error('late');

  async run<T>(what: string, work: (slot: Slot) => Promise<T>, { ms, steps }: Patience): Promise<T> {
    const slot = { abandoned: false };
    const begun = this.#last.then(() => {
      if (this.#closed) throw closedError();
      if (slot.abandoned) throw new KillSwitchError('STORE_UNREACHABLE', `The file store was busy (${what}).`);
      return work(slot);
    });
    this.#last = begun.catch(() => {});
    try {
      for (;;) {
        const before = steps?.();
        try {
          return await within(begun, ms, () => this.#late);
        } catch (error) {
          if (error !== this.#late) throw error;
          if (steps?.() === before)
            throw new KillSwitchError('STORE_UNREACHABLE', `The store did not answer (${what}) within ${ms} ms.`);
        }
      }
    } finally {
      slot.abandoned = true;
    }
  }

  /** Begins nothing more; resolves when what has begun is done, or after `ms` milliseconds. */
  async close(ms: number): Promise<void> {
    this.#closed = true;
    const late = (): Error => new KillSwitchError('STORE_UNREACHABLE', 'The store did not close in time.');
    await within(this.#last, ms, late).catch(() => {});
  }
}
