import type { Journal } from './capabilities/journal.ts';
import { withDeadline } from './with-deadline.ts';

/** How many times as long lists may take: they are read for what was done, and not by whoever is about to act. */
const LISTS = 10;

/**
 * The same journal with a deadline: what has not answered within `ms` milliseconds rejects, and it is not known whether
 * it was written.
 */
export function journalInTime(journal: Journal, ms: number): Journal {
  const inTime = <T>(work: Promise<T>, times = 1): Promise<T> => withDeadline(work, times * ms, 'journal');
  return {
    intend: (intent) => inTime(journal.intend(intent)),
    end: (mark, end) => inTime(journal.end(mark, end)),
    runs: (page) => inTime(journal.runs(page), LISTS),
    entriesOf: (runId, page) => inTime(journal.entriesOf(runId, page), LISTS),
    attemptsOf: (key) => inTime(journal.attemptsOf(key)),
  };
}
