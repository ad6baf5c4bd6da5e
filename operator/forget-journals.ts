import type { JournalKeeper } from '../store/capabilities/journal.ts';

const DAY_MS = 86_400_000;

/**
 * How long the journal keeps what has ended, from its end on, and what has no known end, from its intent on: until then
 * it can be undone, or resolved, and its key runs nothing.
 */
export const JOURNAL_KEPT_MS = { ended: 30 * DAY_MS, intended: 90 * DAY_MS } as const;

const EVERY_MS = 3_600_000;

/** Forgets, about once an hour, what nobody needs of journals any more. */
export class ForgetJournals {
  readonly #journals: JournalKeeper | null;
  #last = Number.NEGATIVE_INFINITY;

  constructor(journals: JournalKeeper | null) {
    this.#journals = journals;
  }

  /**
   * @param mono this process's monotonic time
   * @param walls what the clocks say, in milliseconds: the earliest counts, so that one which is ahead forgets nothing
   */
  async look(mono: number, walls: readonly number[]): Promise<void> {
    if (!this.#journals || mono - this.#last < EVERY_MS) return;
    this.#last = mono;
    const now = Math.min(...walls);
    const before = (ms: number): string => new Date(now - ms).toISOString();
    await this.#journals.forget({ ended: before(JOURNAL_KEPT_MS.ended), intended: before(JOURNAL_KEPT_MS.intended) });
  }
}
