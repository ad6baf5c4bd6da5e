import { CATALOGUE, limitFlag } from './catalogue.ts';
import { decimalOf, MAX_DECIMAL_LENGTH, parseDecimal } from './decimal.ts';
import { quoteId } from './printable.ts';
import { type FlagDetails, faultOfAnswer } from './reading.ts';

/** The wall of a limit: a number; or a decimal text, for amounts that a number would not hold exactly. */
export type LimitMax = number | string;

/** Why this cannot be the `max` of a limit; null when it can. */
export function maxProblem(max: unknown): string | null {
  if (typeof max === 'string') {
    return parseDecimal(max) ? null : `must be a decimal such as "200.00", at most ${MAX_DECIMAL_LENGTH} characters`;
  }
  return isAmount(max) ? null : 'must be a finite number of at least 0 (not -0), or a decimal text such as "200.00"';
}

/**
 * Of a limit in code and the value of its flag the lower one. A flag that is no amount says nothing: then the limit in
 * code stands, as it does without a flag.
 */
export function loweredBy(max: LimitMax, flag: number | undefined): LimitMax {
  if (flag === undefined || !CATALOGUE.limit.isValid(flag)) return max;
  if (typeof max === 'number') return Math.min(max, Math.abs(flag)); // -0 as a flag is 0
  const lower = decimalOf(flag);
  return lower.lt(max) ? lower.toFixed() : max;
}

/**
 * The value of the flag of a limit, out of the details of one client evaluation; undefined where the answer is not
 * positive.
 */
export const limitOfAnswer = (name: string, details: FlagDetails, callerDefault: unknown): number | undefined =>
  faultOfAnswer(CATALOGUE.limit, limitFlag(name), details, callerDefault) === null && typeof details.value === 'number'
    ? details.value
    : undefined;

/**
 * What of a call breaks a limit: its amount; or, in words, what stands there in place of one. Null where the limit is
 * kept. Nothing is coerced: an amount is of the type of `max`, and exact.
 */
export function brokenBy(value: unknown, max: LimitMax): number | string | null {
  if (typeof max === 'string') {
    const amount = parseDecimal(value);
    if (amount === null) return typeof value === 'number' ? `the number ${shownNumber(value)}` : inWords(value);
    return amount.lte(max) ? null : String(value);
  }
  if (typeof value !== 'number' || !Number.isFinite(value) || Object.is(value, -0)) return inWords(value);
  if (value < 0 || value > max) return value;
  // A larger whole number may be the rounding of another.
  return value <= Number.MAX_SAFE_INTEGER ? null : `${value} (too large to be exact)`;
}

const isAmount = (value: unknown): boolean =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 && !Object.is(value, -0);

const shownNumber = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

/** What is no amount, without running any code of it. */
function inWords(value: unknown): string {
  switch (typeof value) {
    case 'number':
      return shownNumber(value);
    case 'string':
      return `the text ${quoteId(value)}`;
    case 'bigint':
      return `the BigInt ${quoteId(value)}`;
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? 'a list' : 'an object';
    case 'function':
    case 'symbol':
      return `a ${typeof value}`;
    case 'boolean':
    case 'undefined':
      return String(value);
  }
}
