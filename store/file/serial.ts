import { KillSwitchError } from '../../flags/index.ts';
import { within } from '../with-deadline.ts';

/** For work that has begun: whether its caller still waits for it. */
export interface Slot {
  readonly abandoned: boolean;
}

interface Patience {
  readonly ms: number;
  /** Grows while work gets on: the deadline then is for no step at all within `ms`. */
  readonly steps?: (() => number) | undefined;
}

/**
 * One piece of work at a time. Each caller waits for at most `ms` milliseconds; work that has begun goes on to its end
 * all the same, so that reading a long log helps the next caller, and work whose caller has given up before it began is
 * never begun.
 */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  async run<T>(what: string, work: (slot: Slot) => Promise<T>, { ms, steps }: Patience): Promise<T> {
    const slot = { abandoned: false };
    const begun = this.#last.then(() => {
      if (this.#closed) throw new KillSwitchError('CLOSED', 'This connection to the file store has been closed.');
      if (slot.abandoned) throw new KillSwitchError('STORE_UNREACHABLE', `The file store was busy (${what}).`);
      return work(slot);
    });
    this.#last = begun.catch(() => {});
    const late = new KillSwitchError('STORE_UNREACHABLE', `The store did not answer (${what}) within ${ms} ms.`);
    try {
      for (;;) {
        const before = steps?.();
        try {
          return await within(begun, ms, () => late);
        } catch (error) {
          if (error !== late || steps?.() === before) throw error;
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
