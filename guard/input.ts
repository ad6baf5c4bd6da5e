import type { StandardSchemaV1 } from '@standard-schema/spec';
import { messageOf } from '../flags/index.ts';
import type { NormalisedAction } from './action.ts';
import { ActionInputError } from './errors.ts';
import { callHandler, type Handling } from './handlers.ts';
import { looseCopy, ownCopy } from './own-copy.ts';

/**
 * The input as it is in the turn of the call. What the caller does to its object afterwards changes nothing where the
 * action has limits, which are walls around what runs, spends what it says of that, or has a journal, which says what
 * ran.
 * @throws ActionInputError NOT_PLAIN_DATA
 */
export const takeInput = <Input, Result>(action: NormalisedAction<Input, Result>, input: Input): Input =>
  action.inputSchema && isOwn(action) ? looseCopy(input) : ownWhereKept(action, input);

/** Whether an action runs on a copy of its own. */
const isOwn = <Input, Result>({ limits, spend, journal }: NormalisedAction<Input, Result>): boolean =>
  limits !== undefined || spend !== undefined || journal;

/** What no code of the application can change any more, where the action runs on a copy of its own. */
const ownWhereKept = <Input, Result>(action: NormalisedAction<Input, Result>, input: Input): Input =>
  isOwn(action) ? ownCopy(action.name, input) : input;

/** The input as the action's schema returns it. @throws ActionInputError */
export async function parseInput<Input, Result>(
  action: NormalisedAction<Input, Result>,
  input: Input,
  handling: Handling,
): Promise<Input> {
  const { inputSchema: schema } = action;
  if (!schema) return ownWhereKept(action, input);
  const handled = await callHandler('the schema itself', () => schema['~standard'].validate(input), handling);
  const read = 'problem' in handled ? handled : readParsed<Input>(handled.value);
  if ('value' in read) return ownWhereKept(action, read.value);
  if ('issues' in read) throw new ActionInputError(action.name, read.issues);
  throw new ActionInputError(action.name, [{ path: '', message: read.problem }], 'failed');
}

type Issues = ConstructorParameters<typeof ActionInputError>[1];

/** Reads a schema's result: by the standard a value or issues; anything else is a problem. */
function readParsed<Input>(
  result: StandardSchemaV1.Result<Input>,
): { readonly value: Input } | { readonly issues: Issues } | { readonly problem: string } {
  try {
    const { issues } = result;
    if (Array.isArray(issues)) {
      return {
        issues: issues.map(({ message, path }: StandardSchemaV1.Issue) => ({
          message,
          path: (path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.'),
        })),
      };
    }
    if (issues === undefined && 'value' in result) return { value: result.value as Input };
  } catch (error) {
    return { problem: `the schema itself failed: ${messageOf(error)}` };
  }
  return { problem: 'the schema itself failed: it returned neither a value nor a list of issues' };
}
