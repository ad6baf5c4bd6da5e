import type { EvaluationContext } from '@openfeature/server-sdk';
import type { Reversing } from '../flags/index.ts';
import { IDENTITY_ATTRIBUTES } from '../flags/index.ts';
import { During } from './during.ts';

/** One evaluation of the mode by a guard that is about to undo something. */
const evaluation = new During<{ readonly reversing: Reversing; readonly subject: EvaluationContext }>();

/** Asks the switch's own provider on behalf of a reversal. */
export const asReversing = <T>(reversing: Reversing, subject: EvaluationContext, ask: () => Promise<T>): Promise<T> =>
  evaluation.run({ reversing, subject }, ask);

/**
 * The reversal on whose behalf this very context is asked about. A hook that asks about somebody else meanwhile asks as
 * anybody does.
 */
export function reversingFor(context: Readonly<Record<string, unknown>>): Reversing | undefined {
  const asked = evaluation.value;
  if (!asked) return undefined;
  const isSame = Object.keys(IDENTITY_ATTRIBUTES).every((attribute) => context[attribute] === asked.subject[attribute]);
  return isSame ? asked.reversing : undefined;
}
