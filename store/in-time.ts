import type { Journal } from './capabilities/journal.ts';
import type { Ledger } from './capabilities/ledger.ts';
import type { Stops } from './capabilities/stops.ts';
import { withDeadline } from './with-deadline.ts';

/** How many times as long lists may take: they are read for what was done, and not by whoever is about to act. */
const LISTS = 10;

/**
 * The same journal with a deadline of `ms` milliseconds: what has not answered by then rejects, and it is not known
 * whether it was written.
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

/** The same ledger with such a deadline. */
export function ledgerInTime(ledger: Ledger, ms: number): Ledger {
  const inTime = <T>(work: Promise<T>): Promise<T> => withDeadline(work, ms, 'budgets');
  return {
    reserve: (reservation) => inTime(ledger.reserve(reservation)),
    settle: (id, costs) => inTime(ledger.settle(id, costs)),
    release: (id) => inTime(ledger.release(id)),
  };
}

/** The same list of stops with such a deadline. */
export const stopsInTime = (stops: Stops, ms: number): Stops => ({
  add: (stop) => withDeadline(stops.add(stop), ms, 'stops'),
});
