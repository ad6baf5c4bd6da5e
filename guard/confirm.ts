import { faultReading, PERMIT_MS, type Reading } from '../flags/index.ts';
import type { Replica } from '../store/replica.ts';

/** A process that was busy for more than this part of the time may have had no time to read an answer. */
const MOSTLY = 0.5;

/** What the store said when it was asked once more. */
export type Permit =
  /**
   * It confirmed the very state that is held here. `isFresh` is true while both clocks show less than `PERMIT_MS` since
   * the request was *sent*, and is to be asked in the synchronous block that starts the action: answers that arrive
   * together are all taken before the first of their actions runs, and that one may take long.
   */
  | { readonly is: 'granted'; readonly isFresh: () => boolean }
  /** This process itself was busy for most of the time, so nothing is known of the store: ask again. */
  | { readonly is: 'late' }
  | { readonly is: 'refused'; readonly reading: Reading };

/** What of the local copy is asked to confirm an action. */
export type Confirming = Pick<Replica, 'permit' | 'epoch'>;

/** One round trip to the store, for an action that cannot be undone. */
export async function askPermit(replica: Confirming): Promise<Permit> {
  const before = performance.eventLoopUtilization();
  const permission = await replica.permit(PERMIT_MS);
  if (permission.is === 'given') return { is: 'granted', isFresh: permission.isFresh };
  const { epoch } = replica;
  if (permission.is === 'failed') {
    const { code, message } = permission.fault;
    return { is: 'refused', reading: faultReading(code, message, epoch) };
  }
  // The lease bounds how often: it ends where the store does not answer either.
  if (performance.eventLoopUtilization(before).utilization > MOSTLY) return { is: 'late' };
  const message = `the store did not confirm this action within ${PERMIT_MS} ms`;
  return { is: 'refused', reading: faultReading('STALE', message, epoch) };
}
