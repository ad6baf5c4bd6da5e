import type { Fault } from '../flags/index.ts';
import type { Changes } from './changes.ts';
import type { ModeClient } from './evaluate.ts';
import type { InFlight } from './in-flight.ts';
import { POLL_MS } from './wait.ts';

/** The OpenFeature client that is asked for the mode, and what is known of its source. */
export interface AskedMode {
  readonly client: ModeClient;
  /** Why its answers cannot be used now; null when they can. */
  readonly fault: () => Fault | null;
  /**
   * Calls `onNews` when its answers may have changed; the returned function unsubscribes. Null where the answers come
   * from the local copy, which has its own events.
   */
  readonly watch: ((onNews: () => void) => () => void) | null;
  /** Resolves when its initialisation has ended, also without success. */
  readonly initialised: Promise<void>;
  close(): Promise<void>;
}

export interface Watching {
  readonly asked: AskedMode;
  readonly inFlight: InFlight;
  readonly changes: Changes;
  readonly leaseMs: number;
}

/**
 * Where the mode does not come from the local copy, all that runs or waits asks again at each of the source's events,
 * and at least each second. The returned function ends that.
 */
export function watchElsewhere({ asked: { watch }, inFlight, changes, leaseMs }: Watching): () => void {
  if (watch === null) return () => {};
  const askAgain = (): void => {
    void inFlight.refresh();
    changes.notify();
  };
  const timer = setInterval(askAgain, Math.min(POLL_MS, leaseMs / 3));
  timer.unref();
  const unwatch = watch(askAgain);
  return () => {
    clearInterval(timer);
    unwatch();
  };
}
