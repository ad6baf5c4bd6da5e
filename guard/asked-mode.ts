import type { Fault } from '../flags/index.ts';
import type { Changes } from './changes.ts';
import type { ModeClient } from './evaluate.ts';
import type { InFlight } from './in-flight.ts';
import { POLL_MS } from './wait.ts';

/** Who is asked for the mode. */
export interface AskedMode {
  readonly client: ModeClient;
  /** Why nothing that it answers says anything of this switch now, or null. */
  readonly fault: () => Fault | null;
  /**
   * Calls back when its answers may have changed, until the returned function is called; null where they come from the
   * local copy, which tells that itself.
   */
  readonly watch: ((onNews: () => void) => () => void) | null;
  /** Resolves when it has been started, also without success. */
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
 * Where the mode comes from elsewhere, its events and a slow clock tell when everybody asks again. Returns what ends
 * it.
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
