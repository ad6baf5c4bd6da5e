import { faultReading, isPermitFresh, PERMIT_MS, type Reading } from '../flags/index.ts';
import type { Replica } from '../store/replica.ts';

/** A process that was busy for more than this fraction of the time may have had no time to read the answer. */
const MOSTLY = 0.5;

/** The store's answer to a request to confirm an action. */
export type Permit =
  /**
   * The store confirmed the state that this process holds. `isFresh` is true while both clocks show less than
   * `PERMIT_MS` since the request was *sent*. Ask it in the synchronous block that starts the action: answers that
   * arrive together are all read before the first of their actions runs, and that action may take long.
   */
  | { readonly is: 'granted'; readonly isFresh: () => boolean }
  /** No answer was read because this process itself was busy most of the time: ask again. */
  | { readonly is: 'late' }
  | { readonly is: 'refused'; readonly reading: Reading };

/** The members of the local copy that confirm an action. */
export type Confirming = Pick<Replica, 'confirmNow' | 'clock' | 'epoch'>;

/** Asks the store to confirm an irreversible action: one round trip. */
export async function askPermit(replica: Confirming): Promise<Permit> {
  const before = performance.eventLoopUtilization();
  const outcome = await replica.confirmNow(PERMIT_MS);
  if (outcome.is === 'confirmed') {
    const { sent } = outcome;
    return { is: 'granted', isFresh: () => isPermitFresh(sent, replica.clock()) };
  }
  const { epoch } = replica;
  if (outcome.is === 'failed') {
    const { code, message } = outcome.fault;
    return { is: 'refused', reading: faultReading(code, message, epoch) };
  }
  // The lease bounds how often this repeats: it runs out where the store does not answer.
  if (performance.eventLoopUtilization(before).utilization > MOSTLY) return { is: 'late' };
  const message = `the store did not confirm this action within ${PERMIT_MS} ms`;
  return { is: 'refused', reading: faultReading('STALE', message, epoch) };
}
