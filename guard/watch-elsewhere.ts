import type { ModeSource } from '../flags/mode-source.ts';
import type { Replica } from '../store/replica.ts';
import type { Executor } from './executor.ts';
import { everyMs } from './look-again.ts';

export interface Watching {
  readonly source: ModeSource;
  readonly executor: Pick<Executor, 'inFlight' | 'changes'> & { readonly replica: Pick<Replica, 'report'> | null };
  readonly leaseMs: number;
}

/**
 * Where the mode does not come from the local copy, all that runs or waits asks again at each of the source's events,
 * and at least each second. Where other work drains then than before, that is reported. The returned function ends it.
 */
export function watchElsewhere({ source: { watch }, executor, leaseMs }: Watching): () => void {
  if (watch === null) return () => {};
  const { replica, inFlight, changes } = executor;
  const refresh = async (): Promise<void> => {
    const { draining } = inFlight;
    await inFlight.refresh();
    if (inFlight.draining !== draining) replica?.report();
  };
  const askAgain = (): void => {
    void refresh();
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
