/** An amount that a call may come to, set aside before it starts. */
export interface Reservation {
  readonly id: string;
  /** What is counted together: a budget's scope, as in `agent:returns-bot`, `run:r-1`, `day`. */
  readonly scope: string;
  readonly type: 'usd' | 'tokens' | 'calls';
  /** A whole number: millionths of a dollar, tokens, or calls. Sums of them are exact. */
  readonly amount: number;
  /** The wall, in the same unit, as the state that the asker holds has it. */
  readonly limit: number;
  /** Windows begin at multiples of this by the store's clock, in milliseconds; null: one window without an end. */
  readonly window_ms: number | null;
  /** What was reserved before this epoch does not count: an operator has lifted the stop of this budget there. */
  readonly since_epoch: number;
}

/** Counts what is spent, across all processes. A reservation that nobody settles counts in full. */
export interface Ledger {
  /**
   * Reserves if it fits below the limit, with all that is reserved and settled in this window; else nothing changes.
   */
  reserve(
    reservation: Reservation,
  ): Promise<{ readonly is: 'reserved' } | { readonly is: 'over'; readonly spent: number; readonly limit: number }>;
  /** What it really came to, into the window in which it was reserved; more than reserved is counted too. Once. */
  settle(reservationId: string, amount: number): Promise<void>;
  /** It counts nothing: only for a call that has not started. Once, and not after `settle`. */
  release(reservationId: string): Promise<void>;
}
