import Big from 'big.js';

/**
 * What a budget counts. Every amount is a whole number, so that sums are exact: millionths of a dollar (`usd`), tokens,
 * calls.
 */
export const SPEND_TYPES = Object.freeze(['usd', 'tokens', 'calls'] as const);

/** One of {@link SPEND_TYPES}. */
export type SpendType = (typeof SPEND_TYPES)[number];

/** The largest amount and the largest sum: every whole number up to it is exact. */
export const MOST_AMOUNT = Number.MAX_SAFE_INTEGER;

/** How many of the units that a ledger counts in are one that people write. */
const UNITS: Readonly<Record<SpendType, number>> = { usd: 1_000_000, tokens: 1, calls: 1 };

const DECIMAL = /^\d+(\.\d+)?$/;
const UP = 3;

/**
 * An amount that was given in dollars, tokens or calls, in the units of the ledger, rounded up: 0.0000001 dollars cost
 * 1 millionth. A number counts as the decimal that it is written as, so 0.07 dollars are 70,000 millionths. Null for
 * what is no amount: not finite, negative, `-0`, too large, no number and no decimal text.
 */
export function unitsOf(type: SpendType, given: unknown): number | null {
  const isNumber = typeof given === 'number' && Number.isFinite(given) && !Object.is(given, -0);
  if (!isNumber && !(typeof given === 'string' && given.length <= 40 && DECIMAL.test(given))) return null;
  const units = new Big(given).times(UNITS[type]).round(0, UP);
  return units.lt(0) || units.gt(MOST_AMOUNT) ? null : units.toNumber();
}

/** The same for the amount of a budget, which must be exactly what somebody wrote; null where it is none or finer. */
export function exactUnitsOf(type: SpendType, given: unknown): number | null {
  const units = unitsOf(type, given);
  return units !== null && new Big(units).div(UNITS[type]).eq(new Big(String(given))) ? units : null;
}

/** Units of the ledger as people write them: millionths as dollars. */
export const shownAmount = (type: SpendType, units: number): number => units / UNITS[type];
