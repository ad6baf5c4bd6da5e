import { dropPromise } from '../flags/callbacks.ts';
import { messageOf, quoteId, SPEND_TYPES, type SpendType, unitsOf } from '../flags/index.ts';
import type { Costs } from '../store/capabilities/ledger.ts';
import type { NormalisedAction } from './action.ts';
import type { Handled } from './handlers.ts';
import { ownCopy } from './own-copy.ts';

/** What a call may come to, in dollars, tokens and calls; what its action says nothing of is absent. */
export type Spends = { readonly [Type in SpendType]?: number };

type Spending<Input, Result> = Pick<NormalisedAction<Input, Result>, 'name' | 'spend'>;

/** What one call may come to in one type, as its action says; undefined where it says nothing of that. */
export function spendOf<Input, Result>(
  { name, spend }: Spending<Input, Result>,
  type: SpendType,
  input: Input,
): Handled<number | undefined> {
  const amount = spend?.[type];
  if (amount === undefined) return { value: undefined };
  const reserve = typeof amount === 'function' ? amount : amount.reserve;
  // A copy of its own: what it does to that changes nothing of what runs.
  return asked(type, `spend.${type}`, () => reserve(ownCopy(name, input)));
}

/** What one call may come to, as its action says. */
export function spendsOf<Input, Result>(action: Spending<Input, Result>, input: Input): Handled<Spends> {
  const spends: { [Type in SpendType]?: number } = {};
  for (const type of SPEND_TYPES) {
    const amount = spendOf(action, type, input);
    if ('problem' in amount) return amount;
    if (amount.value !== undefined) spends[type] = amount.value;
  }
  return { value: spends };
}

/** What a call has come to, in ledger units, and what could not be read of that: it stays as it was reserved. */
export function costsOf<Input, Result>(
  { spend }: Spending<Input, Result>,
  result: Result,
): { readonly costs: Costs; readonly problem: string | null } {
  const costs: { [Type in SpendType]?: number | undefined } = {};
  let problem: string | null = null;
  for (const type of SPEND_TYPES) {
    const amount = spend?.[type];
    const settle = typeof amount === 'object' ? amount.settle : undefined;
    if (!settle) continue;
    const cost = asked(type, `settle of spend.${type}`, () => settle(result));
    if ('problem' in cost) problem = cost.problem;
    else costs[type] = unitsOf(type, cost.value) ?? undefined;
  }
  return { costs, problem };
}

/** An amount that the application says, at once: a finite number from 0, which can be counted exactly. */
function asked(type: SpendType, what: string, say: () => unknown): Handled<number> {
  try {
    const amount = say();
    if (dropPromise(amount)) return { problem: `${what} gave a promise: it must answer at once` };
    if (typeof amount === 'number' && unitsOf(type, amount) !== null) return { value: amount };
    const shown = Object.is(amount, -0)
      ? '-0'
      : typeof amount === 'string'
        ? 'a text'
        : typeof amount === 'bigint'
          ? 'a BigInt'
          : quoteId(amount);
    return { problem: `${what} gave ${shown}, which is no finite number of at least 0` };
  } catch (error) {
    return { problem: `${what} failed: ${messageOf(error)}` };
  }
}
