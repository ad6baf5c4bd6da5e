import type { Resolve } from './address.ts';
import { LEASE_MS } from './lease.ts';
import { ATTEMPT_MS } from './post.ts';
import { waitAfter } from './schedule.ts';

/** How time passes for alerts, in milliseconds; tests give their own. */
export interface AlertPace {
  /** Between two looks at the log. */
  readonly lookMs: number;
  /** Between two looks at what no change says. */
  readonly conditionsMs: number;
  readonly leaseMs: number;
  readonly attemptMs: number;
  /** How long a store may not answer before people are told. */
  readonly outageMs: number;
  /** How long to wait after so many failed attempts. */
  readonly waitAfter: (failures: number) => number;
  /** How names become addresses; absent: as the system does it. */
  readonly resolve?: Resolve | undefined;
}

export const ALERT_PACE: AlertPace = Object.freeze({
  lookMs: 500,
  conditionsMs: 2000,
  leaseMs: LEASE_MS,
  attemptMs: ATTEMPT_MS,
  outageMs: 10_000,
  waitAfter,
});
