import type { EvaluationContext, FlagValue, Provider, ResolutionDetails } from '@openfeature/server-sdk';
import { IDENTITY_ATTRIBUTES, LINEAGE_ATTRIBUTES } from '../flags/index.ts';
import { During } from './during.ts';

/** One evaluation of the mode by a guard, while the application's provider answers it. */
interface GuardedEvaluation {
  /** The guard's own subject, as the context that it gave. */
  readonly subject: EvaluationContext;
  /** What each `FailClosedProvider` has answered, before the hooks of a `MultiProvider` got hold of it. */
  readonly answers: Map<Provider, ResolutionDetails<FlagValue>>;
}

/**
 * A provider inside the application's provider has no other way to know for whom a guard asks. Two copies of this
 * package do not see each other's evaluations: a source of the other copy is then asked as by any client.
 */
const evaluation = new During<GuardedEvaluation>();

/** Asks the application's provider on behalf of a guard. No hook may get hold of `subject`. */
export const asGuarded = <T>(subject: EvaluationContext, ask: () => Promise<T>): Promise<T> =>
  evaluation.run({ subject, answers: new Map() }, ask);

/** Keeps an answer, so that no hook that runs after it can loosen it; without a guarded evaluation it does nothing. */
export const keepAnswer = (by: Provider, answer: ResolutionDetails<FlagValue>): void =>
  void evaluation.value?.answers.set(by, answer);

/** What this provider has answered in the guarded evaluation that is under way, if any. */
export const keptAnswer = (by: Provider): ResolutionDetails<FlagValue> | undefined => evaluation.value?.answers.get(by);

/**
 * Why a provider must not answer for this context: a hook has put another subject in the place of the guard's own, of
 * which a kill would be missed. Null where the context names the guard's subject, perhaps with further parents (they
 * only restrict), and where no guard asks.
 */
export function subjectProblem(context: Readonly<Record<string, unknown>>): string | null {
  const subject = evaluation.value?.subject;
  if (!subject) return null;
  for (const attribute of Object.keys(IDENTITY_ATTRIBUTES)) {
    if (context[attribute] !== subject[attribute]) return another(attribute);
  }
  for (const attribute of Object.keys(LINEAGE_ATTRIBUTES)) {
    const parents = subject[attribute];
    const named = context[attribute];
    if (!Array.isArray(parents)) continue;
    if (!Array.isArray(named) || !parents.every((parent) => named.includes(parent))) return another(attribute);
  }
  return null;
}

const another = (attribute: string): string =>
  `a hook of the provider names another ${attribute} than the guard: a source's hooks may add parents and attributes of their own, but not change whom is asked about`;
