import { describe, expect, test } from 'vitest';
import { costOf } from '../../guard/asking.ts';

const copy = (): { cents: number } => ({ cents: 250 });

describe('what a call costs, for who approves it', () => {
  test('is what the action reserves, in either form; nothing where it spends nothing', () => {
    expect(costOf(undefined, copy)).toEqual({ value: null });
    expect(costOf(({ cents }) => cents / 100, copy)).toEqual({ value: 2.5 });
    expect(costOf({ reserve: ({ cents }) => cents / 100 }, copy)).toEqual({ value: 2.5 });
  });

  test.each<[string, (input: { cents: number }) => unknown]>([
    ['NaN', () => Number.NaN],
    ['a negative number', () => -1],
    ['a text', () => '5'],
    ['a promise', () => Promise.resolve(5)],
    [
      'an error',
      () => {
        throw new Error('mine');
      },
    ],
  ])('%s is a problem, so that nobody is asked', (_what, amount) => {
    expect(costOf(amount as () => number, copy)).toHaveProperty('problem');
  });
});
