import { type EditedInput, messageOf } from '../flags/index.ts';
import type { Attempt } from './attempt.ts';
import type { Effective } from './effective.ts';
import type { Handled } from './handlers.ts';
import { parseInput } from './input.ts';
import { inputOf, readPlain } from './plain-data.ts';

/**
 * The arguments that an approver has put in the place of those of the call. They have to fit the action's schema, and
 * that has to leave them as they are: what runs is what the log names.
 */
export async function editedInput<Input, Result>(
  attempt: Attempt<Input, Result>,
  { input: text, input_hash }: EditedInput,
): Promise<Handled<Effective<Input>>> {
  const { action } = attempt;
  const unfit = (why: string): Handled<never> => ({
    problem: `the arguments that an approver gave do not fit: ${why}`,
  });
  try {
    const plain = readPlain(action.name, JSON.parse(text));
    if (plain.hash !== input_hash) return unfit('they are not those that the log names');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- held against the schema right here
    const copy = (): Input => inputOf(plain) as Input;
    const parsed = await parseInput(action, copy(), attempt);
    if (readPlain(action.name, parsed).hash !== input_hash)
      return unfit('the schema of the action makes others of them');
    return { value: { input: copy(), plain } };
  } catch (error) {
    return unfit(messageOf(error));
  }
}
