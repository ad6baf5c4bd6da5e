import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { brokenBy, limitOfAnswer, loweredBy, maxProblem } from '../../flags/limit.ts';

/** A decimal as a whole number of units of 10^-60, by the language's own BigInt. */
const units = (text: string): bigint => {
  const [whole = '', part = ''] = text.split('.');
  return BigInt(whole + part.padEnd(60, '0'));
};
const digits = (max: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'0123456789'.split('')), minLength: 1, maxLength: max });
const decimal = fc.oneof(
  digits(30),
  fc.tuple(digits(30), digits(30)).map((parts) => parts.join('.')),
  fc.nat(300).map((cents) => (cents / 100).toFixed(2)),
);
const amount = fc
  .oneof(
    fc.double({ min: 0, max: 1e6, noNaN: true }),
    fc.nat(),
    fc.maxSafeNat(),
    fc.constantFrom(0, 0.1, 0.30000000000000004, Number.MIN_VALUE),
  )
  .filter((value) => !Object.is(value, -0));

describe('a limit whose max is a number', () => {
  test('is kept by every amount up to it, itself too, and by none above it', () => {
    fc.assert(
      fc.property(amount, amount, (value, max) => {
        expect(brokenBy(value, max)).toBe(value <= max ? null : value);
        expect(brokenBy(max, max)).toBeNull();
      }),
    );
  });

  test.each([
    [0.1 + 0.2, 0.3, 0.30000000000000004],
    [200.00000000000003, 200, 200.00000000000003],
    [2 ** 53, 2 ** 53 - 1, 2 ** 53],
    [2 ** 53 + 2, 2 ** 60, '9007199254740994 (too large to be exact)'],
    [Number.MIN_VALUE, 0, Number.MIN_VALUE],
  ])('is exact at its edge: %d over %d', (value, max, broken) => {
    expect(brokenBy(value, max)).toBe(broken);
  });

  test.each<[unknown, number | string]>([
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
    [-0, '-0'],
    [-5, -5],
    [-Number.MIN_VALUE, -Number.MIN_VALUE],
    ['5', 'the text "5"'],
    ['', 'the text ""'],
    [5n, 'the BigInt 5'],
    [undefined, 'undefined'],
    [null, 'null'],
    [true, 'true'],
    [[5], 'a list'],
    [{ valueOf: () => 5 }, 'an object'],
    [Object(5), 'an object'],
    [() => 5, 'a function'],
    [Symbol('5'), 'a symbol'],
    [new Date(5), 'an object'],
  ])('is not kept by what is no amount, %o, which is named', (value, named) => {
    expect(brokenBy(value, 100)).toBe(named);
  });

  test('runs no code of what stands in place of an amount', () => {
    const trap = (): never => {
      throw new Error('it ran');
    };
    const nasty = { valueOf: trap, toString: trap, toJSON: trap, [Symbol.toPrimitive]: trap };
    for (const max of [100, '100.00']) expect(brokenBy(nasty, max)).toBe('an object');
    expect(brokenBy(new Proxy({}, { get: trap, getPrototypeOf: trap }), 100)).toBe('an object');
  });
});

describe('a limit whose max is a decimal text', () => {
  test('is kept by every decimal up to it, by exact arithmetic', () => {
    fc.assert(
      fc.property(decimal, decimal, (value, max) => {
        expect(brokenBy(value, max)).toBe(units(value) <= units(max) ? null : value);
        expect(brokenBy(max, max)).toBeNull();
      }),
    );
  });

  test.each([
    ['200.00', '200', null],
    ['0200.000', '200.00', null],
    ['200.000000000000000001', '200.00', '200.000000000000000001'],
    ['9007199254740993', '9007199254740992', '9007199254740993'],
    ['0.30000000000000001', '0.3', '0.30000000000000001'],
  ])('is exact at its edge: %s under %s', (value, max, broken) => {
    expect(brokenBy(value, max)).toBe(broken);
  });

  const NONE = [
    '',
    ' 5',
    '5 ',
    '5\n',
    '+5',
    '-5',
    '-0',
    '5.',
    '.5',
    '1e3',
    '0x10',
    '1_0',
    '1,0',
    'NaN',
    'Infinity',
    '٥',
    '５',
  ];
  test.each(NONE)('is not kept by the text %j', (value) => {
    expect(brokenBy(value, '100.00')).toBe(`the text ${JSON.stringify(value)}`);
  });

  test('is not kept by a number, though it would be small enough', () => {
    expect(brokenBy(5, '100.00')).toBe('the number 5');
    expect(brokenBy(Number.NaN, '100.00')).toBe('the number NaN');
    expect(brokenBy(5n, '100.00')).toBe('the BigInt 5');
  });

  test('is not kept by a text that is longer than 100 characters, which is cut where it is named', () => {
    expect(brokenBy('0'.repeat(100), '100')).toBeNull();
    expect(String(brokenBy('0'.repeat(1_000_000), '100')).length).toBeLessThan(100);
  });

  test('takes nothing for an amount but digits with a point inside', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const isOne = typeof value === 'string' && /^[0-9]+(\.[0-9]+)?$/.test(value);
        if (!isOne) expect(brokenBy(value, '99999')).not.toBeNull();
        if (typeof value !== 'number') expect(brokenBy(value, 99_999)).not.toBeNull();
      }),
    );
  });
});

describe('the flag of a limit', () => {
  test('lowers it, and never raises it', () => {
    fc.assert(
      fc.property(amount, amount, (max, flag) => {
        expect(loweredBy(max, flag)).toBe(Math.min(max, flag));
      }),
    );
    expect([loweredBy(200, 50), loweredBy(200, 200), loweredBy(200, 201)]).toEqual([50, 200, 200]);
  });

  test('is compared with a decimal by what people see of it', () => {
    expect(loweredBy('0.3', 0.1 + 0.2)).toBe('0.3');
    expect(loweredBy('0.30000000000000005', 0.1 + 0.2)).toBe('0.30000000000000004');
    expect(loweredBy('9007199254740993', 2 ** 53)).toBe('9007199254740992');
    expect(loweredBy('200.00', 200)).toBe('200.00');
    expect(loweredBy('200.00', 1e-7)).toBe('0.0000001');
    expect(loweredBy('9'.repeat(30), 1e21)).toBe('1000000000000000000000');
  });

  test.each([undefined, Number.NaN, Number.POSITIVE_INFINITY, -1, '5' as never, null as never, {} as never])(
    'says nothing where it is %o',
    (flag) => {
      expect(loweredBy(200, flag)).toBe(200);
      expect(loweredBy('200.00', flag)).toBe('200.00');
    },
  );

  test('of -0 is 0', () => {
    expect(loweredBy(200, -0)).toBe(0);
    expect(loweredBy('200.00', -0)).toBe('0');
  });

  test.each([
    ['a value with a variant', { value: 5, variant: 'low' }, 5],
    ['a value without one that is not the default', { value: 5 }, 5],
    ['the caller’s own default', { value: -1 }, undefined],
    ['an error', { value: 5, variant: 'low', errorCode: 'GENERAL' }, undefined],
    ['a disabled flag', { value: 5, variant: 'low', reason: 'DISABLED' }, undefined],
    ['a text', { value: '5', variant: 'low' }, undefined],
    ['a negative number', { value: -2, variant: 'low' }, undefined],
    ['NaN', { value: Number.NaN, variant: 'low' }, undefined],
    [
      'the safe value that stands for a missing flag',
      { value: 0, variant: '0', flagMetadata: { cause: 'fault', code: 'FLAG_NOT_FOUND' } },
      undefined,
    ],
  ])('is read of %s', (_what, details, value) => {
    expect(limitOfAnswer('l', details, -1)).toBe(value);
  });
});

test.each([0, 5, 0.5, Number.MAX_VALUE, '0', '200.00', '0'.repeat(100)])('%o can be a max', (max) => {
  expect(maxProblem(max)).toBeNull();
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, -1, -0, 5n, null, undefined, {}, true])(
  '%o cannot be a max',
  (max) => {
    expect(maxProblem(max)).toMatch(/^must be a finite number of at least 0 \(not -0\), or a decimal text/);
  },
);

test.each(['', '-5', '1e3', '5.', '0'.repeat(101)])('the text %j cannot be a max', (max) => {
  expect(maxProblem(max)).toMatch(/^must be a decimal such as "200\.00", at most 100 characters/);
});
