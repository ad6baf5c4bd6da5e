import { messageOf, quoteId } from '../flags/index.ts';
import type { Landing, Reversal } from '../store/capabilities/journal.ts';
import type { NormalisedAction } from './action.ts';
import { inputOf, type PlainInput, readLeft } from './plain-data.ts';
import { findSecret, type FoundSecret, redactWhole } from './redact.ts';

/** The longest result that is kept, in characters of JSON. */
const MOST_RESULT = 65_536;

/** What has run, and what it has returned. */
export interface Landed<Result> {
  /** What was executed; undefined: a call without an input. */
  readonly plain: PlainInput | undefined;
  readonly result: Result;
  readonly redirected: boolean;
}

/** What is kept of an effect that has landed. Never throws: the effect is there, whatever can be said of it. */
export const landingOf = <Input, Result>(action: NormalisedAction<Input, Result>, landed: Landed<Result>): Landing => ({
  result: resultOf(action.name, landed.result),
  redirected: landed.redirected,
  reverse: reversalOf(action, landed),
});

/** The result as JSON, without secrets; null for one that is no plain data, or longer than is kept. */
function resultOf(action: string, result: unknown): string | null {
  try {
    const { copy } = readLeft(action, result);
    if (copy === undefined) return null;
    const kept = JSON.stringify(redactWhole(copy));
    return kept.length > MOST_RESULT ? null : kept;
  } catch {
    return null;
  }
}

/**
 * What undoes it. An input that seems to hold a secret is not kept: the journal has it in plain text, for whoever reads
 * the store, and a redacted one would undo something else.
 */
function reversalOf<Input, Result>(
  { name, reverse }: NormalisedAction<Input, Result>,
  { plain, result }: Landed<Result>,
): Reversal {
  if (!reverse) return { is: 'not_reversible', why: 'the action declares no reverse operation' };
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a copy of its own of what `execute` was given
    const input = reverse.input(result, (plain && inputOf(plain)) as Input);
    const { copy, text = null } = readLeft(reverse.action, input);
    const secret = reverse.verbatim ? null : findSecret(copy);
    return secret
      ? { is: 'not_reversible', why: notKept(name, secret) }
      : { is: 'reversible', action: reverse.action, input: text };
  } catch (error) {
    return { is: 'not_reversible', why: `reverse.input of ${name} gave no input to undo it with: ${messageOf(error)}` };
  }
}

const notKept = (name: string, { path, kind }: FoundSecret): string =>
  `reverse.input of ${name} gave what looks like ${kind}, at ${quoteId(path || 'the top')}, which is not kept: give the name of a secret, or reverse.verbatim where it is none`;
