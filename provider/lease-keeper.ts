import { type Clock, type Fault, type Lease, lookAtLease, messageOf, NO_LEASE, renewLease } from '../flags/index.ts';
import { confirmEveryMs, requestMs, retryAfterMs } from '../flags/lease.ts';
import { LeaseEnd } from '../store/lease-end.ts';
import { Rounds } from '../store/rounds.ts';
import { systemClock } from '../store/system-clock.ts';
import { within } from '../store/with-deadline.ts';

/**
 * How far a source can be trusted: it is confirmed; its last confirmation failed, but the lease still lasts; or the
 * lease is over.
 */
export type SourceTrust =
  | { readonly is: 'fresh' }
  | { readonly is: 'doubted'; readonly fault: Fault }
  | { readonly is: 'over'; readonly fault: Fault };

export interface LeaseKeeperOptions {
  readonly leaseMs: number;
  /**
   * Asks the source once; resolves only when its answer proves that it is fresh. An answer later than a third of the
   * lease is ignored.
   */
  readonly confirm: () => Promise<void>;
  readonly clock?: Clock | undefined;
  /** Called after each confirmation, and when the lease may have ended. */
  readonly onChange: () => void;
}

/**
 * Keeps a source's lease: confirms every third of it, sooner after a failure. Timers only start a confirmation or call
 * `onChange`; whether the lease lasts is read from the clocks.
 */
export class LeaseKeeper {
  readonly #leaseMs: number;
  readonly #confirm: () => Promise<void>;
  readonly #onChange: () => void;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  #lease: Lease = NO_LEASE;
  #confirmed = false;
  #trouble: Fault | null = null;
  readonly #rounds: Rounds;
  readonly #leaseEnd: LeaseEnd;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #waiting: (() => void)[] = [];

  constructor({ leaseMs, confirm, clock, onChange }: LeaseKeeperOptions) {
    this.#leaseMs = leaseMs;
    this.#confirm = confirm;
    this.#onChange = onChange;
    this.#clock = clock ?? systemClock;
    this.#deadlineMs = requestMs(leaseMs);
    this.#leaseEnd = new LeaseEnd({ leaseMs, clock: this.#clock, announce: onChange });
    this.#rounds = new Rounds({
      round: () => this.#once(),
      // A source that did not answer is asked again only after a pause, however often it was asked for meanwhile.
      goesOn: (_ended, asked) => asked && !this.#trouble,
      onRest: () => {
        const waitMs = this.#trouble ? retryAfterMs(leaseMs) : confirmEveryMs(leaseMs);
        this.#timer = setTimeout(() => this.confirmNow(), waitMs);
        this.#timer.unref();
      },
    });
  }

  /** Begins to confirm; resolves with the first confirmation, or when it is closed. */
  start(): Promise<void> {
    const first = new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.confirmNow();
    return first;
  }

  /** Confirms at once; where a confirmation is under way, once more after it. */
  confirmNow(): void {
    this.#rounds.ask();
  }

  trust(): SourceTrust {
    const fault = this.fault();
    if (fault) return { is: 'over', fault };
    return this.#trouble ? { is: 'doubted', fault: this.#trouble } : { is: 'fresh' };
  }

  /** Why nothing may be decided now; null when the lease lasts. Compares both clocks at each call. */
  fault(): Fault | null {
    this.#lease = lookAtLease(this.#lease, this.#clock(), this.#leaseMs);
    if (this.#lease.sent !== null) return null;
    if (!this.#confirmed) return this.#trouble ?? { code: 'NOT_READY', message: 'the source has not answered yet' };
    const over = `nothing has confirmed the source for ${this.#leaseMs} ms`;
    return { code: 'STALE', message: this.#trouble ? `${over}: ${this.#trouble.message}` : over };
  }

  close(): void {
    this.#closed = true;
    void this.#rounds.close(); // the answer of a confirmation under way is dropped
    clearTimeout(this.#timer);
    this.#leaseEnd.countFrom(null);
    this.#lease = NO_LEASE;
    this.#release();
  }

  async #once(): Promise<void> {
    clearTimeout(this.#timer);
    const sent = this.#clock();
    try {
      await within(this.#ask(), this.#deadlineMs, () => new Error(`it did not answer within ${this.#deadlineMs} ms`));
      if (this.#closed) return;
      this.#lease = renewLease(this.#lease, sent, this.#clock(), this.#leaseMs);
      this.#trouble = null;
      this.#confirmed = true;
      this.#release();
    } catch (error) {
      if (this.#closed) return;
      this.#trouble = { code: this.#confirmed ? 'STALE' : 'NOT_READY', message: messageOf(error) };
    }
    this.#leaseEnd.countFrom(this.#lease.sent);
    this.#onChange();
  }

  /** A `confirm` that throws instead of rejecting is a failed confirmation too. */
  async #ask(): Promise<void> {
    await this.#confirm();
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
