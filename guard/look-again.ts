import type { Fault } from '../flags/index.ts';
import { confirmEveryMs } from '../flags/lease.ts';
import type { Replica } from '../store/replica.ts';
import type { Executor } from './executor.ts';
import { POLL_MS } from './wait.ts';

/** How often at least what runs and what waits follows a switch that changes without an event, in milliseconds. */
export const everyMs = (leaseMs: number): number => Math.min(POLL_MS, confirmEveryMs(leaseMs));

/** What there is to see of a switch that changes without an event. */
export interface Seen {
  /** The fault of who is asked for the mode. */
  readonly fault: Fault['code'] | null;
  /** The store's time, in whole seconds as rules see it, where a rule asks for it and it is known. */
  readonly second: number | null;
}

export const isSame = (seen: Seen, now: Seen): boolean => seen.fault === now.fault && seen.second === now.second;

/**
 * How long until the next look, in milliseconds: until the next second of the store's time, where a rule asks for it,
 * and no longer than `mostMs`.
 */
export const untilNextMs = (ruleTime: number | null, mostMs: number): number =>
  Math.ceil(ruleTime === null ? mostMs : Math.min(mostMs, 1000 - (ruleTime % 1000)));

export interface LookingAgain {
  readonly executor: Pick<Executor, 'inFlight' | 'changes' | 'onBegin'> & {
    readonly replica: Pick<Replica, 'changesWithTime' | 'storeNow' | 'report'> | null;
  };
  readonly sourceFault: () => Fault | null;
  readonly leaseMs: number;
}

/**
 * Has all that runs and waits follow what no event tells of: a rule that asks for the time, and a domain that another
 * provider has taken. While anything runs or waits, and only then, a timer looks whether there is something new to see,
 * and then does what an event does. The timer keeps no process alive. The returned function ends it.
 */
export function lookAgain({ executor, sourceFault, leaseMs }: LookingAgain): () => void {
  const { replica, inFlight, changes } = executor;
  let timer: NodeJS.Timeout | undefined;
  let seen: Seen = { fault: null, second: null };

  const ruleTime = (): number | null => (replica?.changesWithTime ? replica.storeNow() : null);
  const see = (time: number | null): Seen => ({
    fault: sourceFault()?.code ?? null,
    second: time === null ? null : Math.floor(time / 1000),
  });
  const arm = (time: number | null): void => {
    timer = setTimeout(onTime, untilNextMs(time, everyMs(leaseMs)));
    timer.unref();
  };
  const onTime = (): void => {
    timer = undefined;
    if (inFlight.isEmpty && changes.isEmpty) return;
    const time = ruleTime();
    arm(time); // first, because code of the application is called next
    const now = see(time);
    if (isSame(seen, now)) return;
    seen = now;
    const { draining } = inFlight;
    inFlight.check();
    changes.notify();
    if (inFlight.draining !== draining) replica?.report();
  };
  const forget = executor.onBegin(() => {
    if (timer !== undefined) return;
    seen = see(null); // no second yet: what begins may have been decided just before the present one
    arm(ruleTime());
  });
  return () => {
    forget();
    clearTimeout(timer);
  };
}
