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
  /** When the switch may change next with the store's time alone; null where it does not, or the time is not known. */
  readonly next: number | null;
}

export const isSame = (seen: Seen, now: Seen): boolean => seen.fault === now.fault && seen.next === now.next;

/**
 * How long until the next look, in milliseconds: until the switch may change with the time alone, and no longer than
 * `mostMs`. `leftMs`: how far away that is; null: it does not.
 */
export const untilNextMs = (leftMs: number | null, mostMs: number): number =>
  Math.ceil(leftMs === null ? mostMs : Math.min(mostMs, leftMs));

export interface LookingAgain {
  readonly executor: Pick<Executor, 'inFlight' | 'changes' | 'onBegin'> & {
    readonly replica: Pick<Replica, 'changesAt' | 'storeNow' | 'report'> | null;
  };
  readonly sourceFault: () => Fault | null;
  readonly leaseMs: number;
}

/**
 * Has all that runs and waits follow what no event tells of: a rule that opens, closes or asks for the time, and a
 * domain that another provider has taken. While anything runs or waits, and only then, a timer looks whether there is
 * something new to see, and then does what an event does. The timer keeps no process alive. The returned function ends
 * it.
 */
export function lookAgain({ executor, sourceFault, leaseMs }: LookingAgain): () => void {
  const { replica, inFlight, changes } = executor;
  let timer: NodeJS.Timeout | undefined;
  let seen: Seen = { fault: null, next: null };

  const see = (next: number | null): Seen => ({ fault: sourceFault()?.code ?? null, next });
  /** Sets the timer. @returns when the switch may change next with the time alone */
  const arm = (): number | null => {
    const time = replica?.storeNow() ?? null;
    const next = time === null ? null : (replica?.changesAt(time) ?? null);
    timer = setTimeout(onTime, untilNextMs(next === null || time === null ? null : next - time, everyMs(leaseMs)));
    timer.unref();
    return next;
  };
  const onTime = (): void => {
    timer = undefined;
    if (inFlight.isEmpty && changes.isEmpty) return;
    const now = see(arm()); // the timer first, because code of the application is called next
    if (isSame(seen, now)) return;
    seen = now;
    const { draining } = inFlight;
    inFlight.check();
    changes.notify();
    if (inFlight.draining !== draining) replica?.report();
  };
  const forget = executor.onBegin(() => {
    if (timer !== undefined) return;
    seen = see(null); // no time yet: what begins may have been decided just before a change
    arm();
  });
  return () => {
    forget();
    clearTimeout(timer);
  };
}
