import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exactUnitsOf, MOST_AMOUNT, shownAmount, SPEND_TYPES, unitsOf } from '../../flags/index.ts';

describe('an amount that somebody spends', () => {
  test.each<[unknown, number]>([
    [0, 0],
    [0.05, 50_000],
    [0.07, 70_000],
    [0.1 + 0.2, 300_001],
    [0.000_000_1, 1],
    [50, 50_000_000],
    ['0.07', 70_000],
    ['1.0000001', 1_000_001],
    [1e-300, 1],
  ])('is counted in millionths of a dollar, rounded up: %s', (given, units) => {
    expect(unitsOf('usd', given)).toBe(units);
  });

  test.each<unknown>([
    ...[-1, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e300, 2 ** 53],
    ...['', '-1', '1e3', '0x10', ' 1', '1_0', 'NaN', '.5', '5.', '9'.repeat(41)],
    ...[null, undefined, true, 5n, [5], {}, { valueOf: () => 5 }, new Number(5)],
  ])('is none where it is %s', (given) => {
    expect(unitsOf('usd', given)).toBeNull();
    if (typeof given !== 'number' || given < 0 || !Number.isFinite(given)) expect(unitsOf('calls', given)).toBeNull();
  });

  test('is whole, never negative, and never less than was given', () => {
    fc.assert(
      fc.property(fc.constantFrom(...SPEND_TYPES), fc.double({ min: 0, max: 1e9, noNaN: true }), (type, given) => {
        fc.pre(!Object.is(given, -0));
        const units = unitsOf(type, given);
        if (units === null) throw new Error('it is an amount');
        expect(Number.isSafeInteger(units) && units >= 0 && units <= MOST_AMOUNT).toBe(true);
        expect(shownAmount(type, units)).toBeGreaterThanOrEqual(given * (1 - 1e-15));
        expect(units).toBeLessThanOrEqual(Math.ceil(given * (type === 'usd' ? 1e6 : 1)) + 1);
      }),
    );
  });
});

test('the amount of a budget is exactly what somebody wrote, or none', () => {
  expect(exactUnitsOf('usd', 50.25)).toBe(50_250_000);
  expect(exactUnitsOf('usd', 0.000_001)).toBe(1);
  expect(exactUnitsOf('usd', 0.000_000_1)).toBeNull();
  expect(exactUnitsOf('calls', 1.5)).toBeNull();
  expect(exactUnitsOf('calls', Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER);
});
