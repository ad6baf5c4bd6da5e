import type { ModeSource } from '../flags/mode-source.ts';
import type { Changes } from './changes.ts';
import type { InFlight } from './in-flight.ts';
import { everyMs } from './look-again.ts';

export interface Watching {
  readonly source: ModeSource;
  readonly inFlight: InFlight;
  readonly changes: Changes;
  readonly leaseMs: number;
}

/**
 * Where the mode does not come from the local copy, all that runs or waits asks again at each of the source's events,
 * and at least each second. The returned function ends that.
 */
export function watchElsewhere({ source: { watch }, inFlight, changes, leaseMs }: Watching): () => void {
  if (watch === null) return () => {};
  const askAgain = (): void => {
    void inFlight.refresh();
    changes.notify();
  };
  const timer = setInterval(askAgain, everyMs(leaseMs));
  timer.unref();
  const unwatch = watch(askAgain);
  return () => {
    clearInterval(timer);
    unwatch();
  };
}
