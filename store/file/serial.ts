import { KillSwitchError } from '../../flags/index.ts';
import { withDeadline } from '../with-deadline.ts';

/**
 * One piece of work at a time. Each caller waits for at most `ms` milliseconds; work that has begun goes on to its end all the same, so that
 * reading a long log helps the next caller, and work whose caller has given up before it began is never begun.
 */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  run<T>(what: string, ms: number, work: () => Promise<T>): Promise<T> {
    let abandoned = false;
    const begun = this.#last.then(() => {
      if (this.#closed) throw new KillSwitchError('CLOSED', 'This connection to the file store has been closed.');
      if (abandoned) throw new KillSwitchError('STORE_UNREACHABLE', `The file store was busy (${what}).`);
      return work();
    });
    this.#last = begun.catch(() => {});
    return withDeadline(begun, ms, what).finally(() => {
      abandoned = true;
    });
  }

  /** Begins nothing more; resolves when what has begun is done, or after `ms` milliseconds. */
  async close(ms: number): Promise<void> {
    this.#closed = true;
    await withDeadline(this.#last, ms, 'close').catch(() => {});
  }
}
