import { describe, expect, test } from 'vitest';
import type { ActionDefinition } from '../../guard/action.ts';
import { normaliseAction } from '../../guard/normalise-action.ts';
import { costsOf, spendOf, spendsOf } from '../../guard/spend.ts';

interface Input {
  readonly cents: number;
}

type Spend = ActionDefinition<Input, { usd: number }>['spend'];

const action = (spend: Spend) => normaliseAction({ name: 'a.b', spend, execute: () => ({ usd: 1 }) });

const input: Input = { cents: 250 };

describe('what a call may come to', () => {
  test('is what the action says, in either form; nothing where it says nothing', () => {
    const given = action({ usd: ({ cents }) => cents / 100, tokens: { reserve: () => 1000 } });
    expect(spendsOf(given, input)).toEqual({ value: { usd: 2.5, tokens: 1000 } });
    expect(spendsOf(action(undefined), input)).toEqual({ value: {} });
    expect(spendOf(action({ calls: () => 3 }), 'usd', input)).toEqual({ value: undefined });
  });

  test('is asked with a copy, so that nothing of what runs is changed by it', () => {
    const given = action({
      usd: (mine) => {
        (mine as { cents: number }).cents = 0;
        return 1;
      },
    });
    spendsOf(given, input);
    expect(input).toEqual({ cents: 250 });
  });

  test.each<[string, (input: Input) => unknown]>([
    ['NaN', () => Number.NaN],
    ['Infinity', () => Number.POSITIVE_INFINITY],
    ['a negative number', () => -1],
    ['-0', () => -0],
    ['a number that cannot be counted exactly', () => 1e300],
    ['a text', () => '5'],
    ['a BigInt', () => 5n],
    ['nothing', () => undefined],
    ['an object', () => ({ valueOf: () => 5 })],
    ['a promise', () => Promise.resolve(5)],
    [
      'an error',
      () => {
        throw new Error('mine');
      },
    ],
  ])('%s is a problem, which names it', (_what, amount) => {
    const given = action({ usd: amount as () => number });
    expect(spendsOf(given, input)).toMatchObject({ problem: expect.stringContaining('spend.usd') });
    expect(spendsOf(action({ tokens: amount as () => number }), input)).toHaveProperty('problem');
  });
});

describe('what a call has come to', () => {
  test('is what settle says of its result, in ledger units; the rest stays as it was set aside', () => {
    const spend: Spend = { usd: { reserve: () => 9, settle: ({ usd }) => usd }, tokens: { reserve: () => 9 } };
    expect(costsOf(action(spend), { usd: 0.07 })).toEqual({ costs: { usd: 70_000 }, problem: null });
  });

  test('stays as it was set aside where settle gives no amount, and that is said', () => {
    const spend: Spend = {
      usd: { reserve: () => 9, settle: ({ usd }) => usd },
      tokens: { reserve: () => 9, settle: () => 5 },
    };
    const { costs, problem } = costsOf(action(spend), { usd: Number.NaN });
    expect([costs, problem]).toEqual([
      { tokens: 5 },
      'settle of spend.usd gave NaN, which is no finite number of at least 0',
    ]);
  });
});
