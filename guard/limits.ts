import { dropPromise } from '../flags/callbacks.ts';
import { redactText } from '../flags/secret-texts.ts';
import { brokenBy, type Cause, loweredBy, messageOf } from '../flags/index.ts';
import type { LimitDefinition } from './action.ts';
import type { Attempt } from './attempt.ts';
import { ownCopy } from './own-copy.ts';

/** How much is told of what the `of` of a limit has thrown, in characters. */
const MAX_SHOWN = 200;

/**
 * The first limit that this input does not keep, as a cause; null where it keeps them all. All amounts are asked for
 * first, since that is code of the application: then the flags are looked at, in the same turn.
 */
export function brokenLimit<Input, Result>(
  { action, guard, limitFlags }: Attempt<Input, Result>,
  input: Input,
): Cause | null {
  const asked = Object.entries(action.limits ?? {}).map(([name, limit]) => ({
    name,
    max: limit.max,
    // A copy each: one `of` that changes its input must not change what the next one sees, nor what runs.
    amount: amountOf(limit, ownCopy(action.name, input)),
  }));
  for (const { name, max: inCode, amount } of asked) {
    const max = loweredBy(loweredBy(inCode, limitFlags.get(name)), guard.replica?.limit(name));
    const broken = 'problem' in amount ? amount.problem : brokenBy(amount.value, max);
    const value = typeof broken === 'string' ? redactText(broken) : broken;
    if (value !== null) return { kind: 'limit', limit: name, value, max };
  }
  return null;
}

type Amount = { readonly value: unknown } | { readonly problem: string };

function amountOf<Input>({ of }: LimitDefinition<Input>, input: Input): Amount {
  try {
    const value: unknown = of(input);
    return dropPromise(value) ? { problem: 'a promise' } : { value };
  } catch (error) {
    return {
      problem: `an error (${messageOf(error)
        .slice(0, MAX_SHOWN)
        .replace(/[\s.]+$/, '')})`,
    };
  }
}
