import type { Charge, SpendType } from '../../flags/index.ts';

/** All that one call asks of the ledger: every budget that it meets, or none. The id makes it one reservation. */
export interface Reservation {
  /** 1 to 100 characters. */
  readonly id: string;
  /** At most 1000. */
  readonly charges: readonly Charge[];
}

/** Where an account of the ledger stands, in ledger units. */
export interface Balance {
  readonly account: string;
  readonly type: SpendType;
  /** What was settled. */
  readonly spent: number;
  /** What is set aside, and not settled. */
  readonly reserved: number;
  /** What there is room for; 0 where more is spent than the limit. */
  readonly left: number;
  readonly limit: number;
  /** True where this charge did not fit. */
  readonly over: boolean;
  /** True for the one reservation with which the account came to its share for the first time in its window. */
  readonly warns: boolean;
}

/** The answer to a reservation, with a balance for each charge, in order. */
export type Reserved =
  | { readonly is: 'reserved'; readonly balances: readonly Balance[] }
  /** At least one did not fit; nothing was set aside. */
  | { readonly is: 'over'; readonly balances: readonly Balance[] }
  /** A day that a charge names is not the store's: the charges are made anew with the store's time, in milliseconds. */
  | { readonly is: 'other_day'; readonly now: number };

/** What a call has really come to, in ledger units; a type that is absent stays as it was reserved. */
export type Costs = { readonly [Type in SpendType]?: number | undefined };

/**
 * Counts what is spent, across all processes. All amounts are whole numbers, and sums are exact. Each request may be
 * asked again with the same id: it then changes nothing. What nobody settled counts in full in its window, for ever.
 */
export interface Ledger {
  /**
   * Sets aside all charges of one call in one step, if each fits below its limit with all that is reserved and settled
   * in its window; else nothing changes.
   * @throws KillSwitchError INVALID_ARGUMENT, STORE_UNREACHABLE, STORE_READ_ONLY, CORRUPT: whoever asked blocks
   */
  reserve(reservation: Reservation): Promise<Reserved>;
  /**
   * What it really came to, into the windows in which it was reserved; more than was reserved is counted too. Once: of
   * settling and releasing, the first counts. An id that is not known changes nothing.
   */
  settle(reservationId: string, costs: Costs): Promise<void>;
  /** It counts nothing: only for a call that has not started. Once, and not after `settle`. */
  release(reservationId: string): Promise<void>;
}

/** One account, as operators see it. */
export interface KeptAccount {
  readonly account: string;
  readonly spent: number;
  readonly reserved: number;
}

/** Reads the ledger, for operators. */
export interface LedgerReader {
  /** The accounts that count something now, at most 10,000; `left`: how many more there are. */
  accounts(): Promise<{ readonly accounts: readonly KeptAccount[]; readonly left: number }>;
}
