import { messageOf } from '../../flags/index.ts';
import type { Attempt } from '../attempt.ts';
import { blocked, faultCause } from '../decide.ts';
import type { Effective } from '../effective.ts';
import { callHandler, type Handled } from '../handlers.ts';
import { parseInput } from '../input.ts';
import { readPlain } from '../plain-data.ts';
import type { Next } from './step.ts';

/**
 * Makes the input of a redirected attempt, once, by the action's own handler. Then the attempt is decided again from
 * the start, and goes on where it is redirected still.
 */
export const redirect = <Input, Result>(attempt: Attempt<Input, Result>): Next<Result> | Promise<Next<Result>> =>
  attempt.redirected ? 'go on' : makeInput(attempt);

async function makeInput<Input, Result>(attempt: Attempt<Input, Result>): Promise<Next<Result>> {
  const { guard, input: original, subject } = attempt;
  // The decision may be out of date by now, and code of the application is called next.
  const decision = attempt.look();
  if (decision.verdict !== 'redirect') return attempt.reconsider();
  const made = await byHandler(attempt);
  if ('problem' in made) return attempt.refuse(blocked(subject, faultCause('HANDLER_FAILED', made.problem), decision));
  const circumstances = { input: made.value.input, original, status: 'redirected', state: 'executing' } as const;
  attempt.redirected = {
    ...made.value,
    keepRecord: guard.interventions.prepare(decision, subject, circumstances),
  };
  return 'again';
}

async function byHandler<Input, Result>(attempt: Attempt<Input, Result>): Promise<Handled<Effective<Input>>> {
  const { action, input } = attempt;
  const { redirect: handler } = action;
  if (!handler) return { problem: `${action.name} declares no safe destination (redirect) for test_mode` };
  const handled = await callHandler('its redirect handler', (context) => handler(input, context), attempt);
  if ('problem' in handled) return handled;
  if (handled.value === undefined || handled.value === null)
    return { problem: 'its redirect handler returned no input' };
  try {
    const parsed = await parseInput(action, handled.value, attempt);
    return { value: { input: parsed, plain: action.journal ? readPlain(action.name, parsed) : undefined } };
  } catch (error) {
    return { problem: `its redirect handler returned an input that does not fit: ${messageOf(error)}` };
  }
}
