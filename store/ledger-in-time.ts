import type { Ledger } from './capabilities/ledger.ts';
import { withDeadline } from './with-deadline.ts';

/**
 * The same ledger with a deadline: what has not answered within `ms` milliseconds rejects, and it is not known whether
 * it was counted.
 */
export function ledgerInTime(ledger: Ledger, ms: number): Ledger {
  const inTime = <T>(work: Promise<T>): Promise<T> => withDeadline(work, ms, 'budgets');
  return {
    reserve: (reservation) => inTime(ledger.reserve(reservation)),
    settle: (id, costs) => inTime(ledger.settle(id, costs)),
    release: (id) => inTime(ledger.release(id)),
  };
}
