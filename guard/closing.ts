import { within } from '../store/with-deadline.ts';
import type { ModeSource } from '../flags/mode-source.ts';
import type { Drills } from './drills.ts';
import type { Executor } from './executor.ts';
import type { OwnJournal } from './journal.ts';
import type { Interventions } from './interventions.ts';
import type { OpenCalls } from './open-calls.ts';
import type { Outbox } from './outbox.ts';
import type { Rollbacks } from './rollbacks.ts';

/**
 * How long `close` waits for the work that it has aborted and for the calls that it ends, in milliseconds; meanwhile
 * that work is reported as draining.
 */
const CLOSING_MS = 5000;

export interface ClosedParts {
  readonly executor: Executor;
  readonly source: ModeSource;
  readonly calls: OpenCalls;
  readonly interventions: Interventions;
  readonly journal: OwnJournal | null;
  readonly outboxes: readonly Outbox[];
  readonly rollbacks: Pick<Rollbacks, 'close'> | null;
  readonly drills: Pick<Drills, 'close'> | null;
  readonly stopWatching: () => void;
}

/** Whether a switch is closed, and how it is. */
export interface Closing {
  /** True from the moment that `close` was called. */
  readonly isClosed: () => boolean;
  /** Further calls return the promise of the first. */
  readonly close: (parts: ClosedParts) => Promise<void>;
}

export function closingOnce(): Closing {
  let closed = false;
  let closing: Promise<void> | null = null;
  return {
    isClosed: () => closed,
    close(parts) {
      closed = true;
      closing ??= closeAll(parts);
      return closing;
    },
  };
}

async function closeAll({
  executor,
  source,
  calls,
  interventions,
  journal,
  outboxes,
  rollbacks,
  drills,
  stopWatching,
}: ClosedParts): Promise<void> {
  const { replica, inFlight, changes, metrics } = executor;
  inFlight.check(); // in the same turn: from now on nothing starts
  changes.notify();
  replica?.report();
  stopWatching();
  const inTime = (ended: Promise<void>): Promise<boolean> =>
    within(ended, CLOSING_MS, () => new Error('late')).then(
      () => true,
      () => false,
    );
  // A call that waits or is decided has no work that could go on, but its end is to be recorded.
  const rolledBack = Promise.all([rollbacks?.close(), drills?.close()]).then(() => {});
  const [clean] = await Promise.all([inTime(inFlight.idle()), inTime(calls.ended()), inTime(rolledBack)]);
  metrics.close();
  await interventions.close();
  await Promise.all(outboxes.map((outbox) => outbox.close()));
  const recorded = journal?.close();
  await recorded?.catch(() => {}); // told at the end, when everything else is closed
  // An executor whose work goes on does not sign off: operators will see it as silent, which it is.
  await replica?.close({ leave: clean });
  await source.close();
  await recorded;
}
