import { Big } from 'big.js';

/** The longest text of a decimal, in characters. */
export const MAX_DECIMAL_LENGTH = 100;

const DECIMAL = /^\d+(\.\d+)?$/;

/**
 * An exact amount: a text of `digits` or `digits.digits`, at most 100 characters; null for anything else. The library
 * alone would also take a sign, an exponent, or a number.
 */
export const parseDecimal = (value: unknown): Big | null =>
  typeof value === 'string' && value.length <= MAX_DECIMAL_LENGTH && DECIMAL.test(value) ? new Big(value) : null;

/** A finite number as the decimal that people see: 0.1 is one tenth, and not the binary fraction beside it. */
export const decimalOf = (value: number): Big => new Big(String(value));
