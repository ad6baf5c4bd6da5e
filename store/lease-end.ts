import type { Clock, Instant } from '../flags/index.ts';
import { leftMs } from '../flags/lease.ts';

export interface LeaseEndOptions {
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly announce: () => void;
}

/** Announces when a lease may have ended. It decides nothing: whoever is called looks at the clocks. */
export class LeaseEnd {
  readonly #options: LeaseEndOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LeaseEndOptions) {
    this.#options = options;
  }

  /** The lease counts from `sent` now: announces its end, and that of no earlier one. Null: there is no lease. */
  countFrom(sent: Instant | null): void {
    clearTimeout(this.#timer);
    if (sent === null) return;
    const { leaseMs, clock, announce } = this.#options;
    // A timer may fire early by less than a millisecond.
    this.#timer = setTimeout(announce, Math.max(1, leftMs(sent, clock(), leaseMs) + 1));
    this.#timer.unref();
  }
}
