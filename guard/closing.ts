import { within } from '../store/with-deadline.ts';
import type { AskedMode } from './asked-mode.ts';
import type { Executor } from './executor.ts';
import type { Interventions } from './interventions.ts';

/** So long `close` waits for work that it has told to stop, in milliseconds, and reports it as draining. */
const CLOSING_MS = 5000;

export interface ClosedParts {
  readonly executor: Executor;
  readonly asked: AskedMode;
  readonly interventions: Interventions;
  readonly stopWatching: () => void;
}

/** The end of a switch. */
export interface Closing {
  /** True from the turn on in which `close` was called. */
  readonly isClosed: () => boolean;
  /** Closing again is the same closing. */
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

async function closeAll({ executor, asked, interventions, stopWatching }: ClosedParts): Promise<void> {
  const { replica, inFlight, changes, metrics } = executor;
  inFlight.check(); // in the very turn from which nothing starts any more
  changes.notify();
  replica?.report();
  stopWatching();
  const clean = await within(inFlight.idle(), CLOSING_MS, () => new Error('late')).then(
    () => true,
    () => false,
  );
  metrics.close();
  await interventions.close();
  // Whose work goes on does not leave the count: operators will see it as silent, which is what it is.
  await replica?.close({ leave: clean });
  await asked.close();
}
