import { within } from '../store/with-deadline.ts';
import type { ModeSource } from '../flags/mode-source.ts';
import type { Executor } from './executor.ts';
import type { Interventions } from './interventions.ts';

/**
 * How long `close` waits for the work that it has aborted, in milliseconds; meanwhile that work is reported as
 * draining.
 */
const CLOSING_MS = 5000;

export interface ClosedParts {
  readonly executor: Executor;
  readonly source: ModeSource;
  readonly interventions: Interventions;
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

async function closeAll({ executor, source, interventions, stopWatching }: ClosedParts): Promise<void> {
  const { replica, inFlight, changes, metrics } = executor;
  inFlight.check(); // in the same turn: from now on nothing starts
  changes.notify();
  replica?.report();
  stopWatching();
  const clean = await within(inFlight.idle(), CLOSING_MS, () => new Error('late')).then(
    () => true,
    () => false,
  );
  metrics.close();
  await interventions.close();
  // An executor whose work goes on does not sign off: operators will see it as silent, which it is.
  await replica?.close({ leave: clean });
  await source.close();
}
