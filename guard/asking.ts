import { redactText } from '../flags/secret-texts.ts';
import type { Asking } from './approvals.ts';
import type { Attempt } from './attempt.ts';
import { callHandler, type Handled } from './handlers.ts';
import { inputOf, type PlainInput } from './plain-data.ts';
import { spendOf } from './spend.ts';

/** The longest description that an approver is shown, in characters. */
const MAX_DESCRIPTION = 2000;

/**
 * How people are asked about a call: what the action says of it, for how long, and what it costs. All that comes from
 * the application is made of copies of what was hashed; what of it fails is a problem, and then nobody is asked.
 */
export async function askingOf<Input, Result>(
  attempt: Attempt<Input, Result>,
  plain: PlainInput,
): Promise<Handled<Asking>> {
  const { action } = attempt;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the input itself, as it was hashed
  const copy = (): Input => inputOf(plain) as Input;
  const description = await descriptionOf(attempt, copy);
  if ('problem' in description) return description;
  const cost = spendOf(action, 'usd', copy());
  if ('problem' in cost) return cost;
  return {
    value: {
      description: description.value,
      approvals: action.approvals,
      expiresMs: action.approvalExpiresMs,
      escalateMs: action.escalateAfterMs ?? null,
      costUsd: cost.value ?? null,
      reversible: action.reverse !== undefined && !action.irreversible,
    },
  };
}

async function descriptionOf<Input, Result>(
  attempt: Attempt<Input, Result>,
  copy: () => Input,
): Promise<Handled<string | null>> {
  const { describe } = attempt.action;
  if (!describe) return { value: null };
  const handled = await callHandler<unknown>('its describe handler', () => describe(copy()), attempt);
  if ('problem' in handled) return handled;
  const { value } = handled;
  if (typeof value !== 'string' || value.trim() === '')
    return { problem: `its describe handler returned ${typeof value === 'string' ? 'an empty text' : 'no text'}` };
  return { value: shortened(redactText(value.toWellFormed())) };
}

function shortened(text: string): string {
  if (text.length <= MAX_DESCRIPTION) return text;
  const note = ` … (the beginning of ${text.length} characters)`;
  return `${text.slice(0, MAX_DESCRIPTION - note.length).toWellFormed()}${note}`;
}
