import type { Journal } from './capabilities/journal.ts';
import { withDeadline } from './with-deadline.ts';

/**
 * The same journal with a deadline: what has not answered within `ms` milliseconds rejects, and it is not known whether
 * it was written.
 */
export function journalInTime(journal: Journal, ms: number): Journal {
  const inTime = <T>(work: Promise<T>): Promise<T> => withDeadline(work, ms, 'journal');
  return {
    intend: (intent) => inTime(journal.intend(intent)),
    end: (mark, end) => inTime(journal.end(mark, end)),
    runs: (page) => inTime(journal.runs(page)),
    entriesOf: (runId, page) => inTime(journal.entriesOf(runId, page)),
    attemptsOf: (key) => inTime(journal.attemptsOf(key)),
  };
}
