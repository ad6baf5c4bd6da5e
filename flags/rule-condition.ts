import type { Entry } from './entries.ts';
import { definitionProblems } from './flagd-schema.ts';
import type { Condition, JsonLogic } from './json-logic.ts';
import { definitionOf, OwnEvaluator } from './own-evaluator.ts';
import { readCondition } from './rule-grammar.ts';
import { isOfOtherKind, type Kind } from './rule-kinds.ts';
import type { StoreNow } from './store-time.ts';

const MET = 'met';
const UNMET = 'unmet';
const WORDS = [MET, UNMET] as const;

/** The condition of a rule, for direct resolution and for compiling alike. */
interface RuleCondition {
  /** True for whoever meets it, and for whoever cannot be judged by it. */
  readonly compiled: Condition;
  readonly evaluator: OwnEvaluator | null;
}

/** What everybody meets: no condition, or one that this version cannot judge by. */
const EVERYBODY: RuleCondition = { compiled: true, evaluator: null };

// One evaluator for each rule that has a condition, garbage collected with its entry.
const conditions = new WeakMap<Entry<'rule'>, RuleCondition>();

function conditionOf(entry: Entry<'rule'>): RuleCondition {
  let condition = conditions.get(entry);
  if (!condition) {
    condition = readOf(entry.when);
    conditions.set(entry, condition);
  }
  return condition;
}

function readOf(when: unknown): RuleCondition {
  if (when === null || when === undefined || !isCondition(when)) return EVERYBODY;
  const read = readCondition(when);
  if (read.problem !== null) return EVERYBODY;
  const { attributes } = read;
  const targeting = { if: [when, MET, UNMET] };
  return {
    compiled: compiledOf(when, attributes),
    evaluator: new OwnEvaluator({ targeting, words: WORDS, otherwise: MET, attributes }),
  };
}

/** The kinds are asked before the rest: an evaluation that fails gives a client its own default. */
function compiledOf(when: JsonLogic, attributes: ReadonlyMap<string, readonly Kind[]>): Condition {
  const kinds = [...attributes].flatMap(([name, of]): JsonLogic[] => [isOfOtherKind(name, of), true]);
  return kinds.length === 0 ? when : { if: [...kinds, when] };
}

/** Whether flagd's schema and evaluator take it. */
const isCondition = (when: unknown): when is JsonLogic => flagdProblem(when) === null;

const flagdProblem = (when: unknown): string | null =>
  definitionProblems(definitionOf({ targeting: { if: [when, MET, UNMET] }, words: WORDS, otherwise: MET }))[0]
    ?.message ?? null;

/** What is wrong with a condition, as the rest of a sentence that begins with "the condition"; null for nothing. */
export function conditionProblem(when: unknown): string | null {
  const { problem } = readCondition(when);
  if (problem !== null) return problem;
  const refused = flagdProblem(when);
  return refused === null ? null : `is refused by flagd: ${refused}`;
}

/** True where a rule applies to one context and not to another with the time alone, beside its window. */
export const conditionAsksForTime = (entry: Entry<'rule'>): boolean =>
  entry.when !== null && conditionOf(entry).evaluator?.asksTime === true;

/** Whether a rule's condition is met, as far as can be judged; where it cannot be, it is. */
export const isMet = (entry: Entry<'rule'>, context: () => Readonly<Record<string, unknown>>, now: StoreNow): boolean =>
  entry.when === null || conditionOf(entry).evaluator?.evaluate(context(), now) !== UNMET;

/** The same for a compiled definition. */
export const compiledCondition = (entry: Entry<'rule'>): Condition => conditionOf(entry).compiled;
