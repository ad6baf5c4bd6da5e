import { isJsonObject } from './json-object.ts';
import { isNoRule, readRule } from './rule-grammar.ts';
import { FEATURE_STAGES, type FeatureStage, isFeatureStage } from './stages.ts';

/** How far a feature has come: a stage, and a rule of flagd's that answers with another one for some. */
export interface StageTerms {
  readonly stage: FeatureStage;
  /** Null or absent: the stage is the same for everyone. */
  readonly targeting?: unknown;
}

/** True where everyone has the same stage, as it stands in the entry. */
export const isSameForAll = ({ targeting }: StageTerms): boolean => isNoRule(targeting);

/** What is wrong with a feature's rule, as the rest of a sentence that begins with "the rule"; null for nothing. */
export function stageRuleProblem(rule: unknown): string | null {
  if (isNoRule(rule)) return null;
  const problem = unreadProblem(rule);
  if (problem !== null) return problem;
  const odd = [...answersOf(rule)].find((answer) => answer !== ANY && answer !== null && !isFeatureStage(answer));
  return odd === undefined
    ? null
    : `answers with ${JSON.stringify(odd)}, which is no stage: it must be one of ${FEATURE_STAGES.join(', ')}`;
}

/** Why a rule is not looked at at all, so that everybody has `dark`. */
const unreadProblem = (rule: unknown): string | null => readRule(rule).problem ?? ownFlagProblem(rule);

/**
 * A feature's rule is evaluated under two flags, its own and `kill-switch.mode`, so it may not depend on the name of
 * its flag: an account would be live by one of them and dark by the other.
 */
export function ownFlagProblem(rule: unknown): string | null {
  if (Array.isArray(rule)) return rule.map(ownFlagProblem).find((problem) => problem !== null) ?? null;
  if (!isJsonObject(rule)) return null;
  for (const [operator, given] of Object.entries(rule)) {
    const [name]: readonly unknown[] = Array.isArray(given) ? given : [given];
    if (operator === 'var' && name === '$flagd.flagKey')
      return 'names "$flagd.flagKey": the stage of a feature is asked for under two flags, so write a constant text';
    if (operator === 'fractional' && Array.isArray(name))
      return 'has "fractional" without what it shares out by, which would then depend on the name of its flag: write {"fractional": [{"var": ["account_id", "none"]}, ["live", 10], ["gated", 90]]}';
    const problem = ownFlagProblem(given);
    if (problem !== null) return problem;
  }
  return null;
}

/** Stands for an answer that is only known with the context. */
const ANY = Symbol('any');

/** What a rule can answer with: texts, null for no answer, or `ANY`. */
function answersOf(rule: unknown): ReadonlySet<string | null | typeof ANY> {
  if (rule === null || typeof rule === 'string') return new Set([rule]);
  const [[operator, given] = []] = isJsonObject(rule) ? Object.entries(rule) : [];
  const parts: readonly unknown[] = Array.isArray(given) ? given : [];
  switch (operator) {
    case 'if':
    case '?:': {
      const isAnswer = (_: unknown, i: number): boolean => i % 2 === 1 || i === parts.length - 1;
      const answers = parts.filter(isAnswer).flatMap((part) => [...answersOf(part)]);
      return new Set(parts.length % 2 === 0 ? [...answers, null] : answers);
    }
    case 'fractional':
      // An attribute that is absent may leave it without an answer.
      return new Set([null, ...parts.flatMap((part) => (Array.isArray(part) ? [String(part[0])] : []))]);
    default:
      return new Set([ANY]);
  }
}

const rank = (stage: FeatureStage): number => FEATURE_STAGES.indexOf(stage);

/** The stages that a feature has for somebody, the strictest first: all of them where its rule may answer anything. */
export function stagesOf(terms: StageTerms | undefined): readonly FeatureStage[] {
  if (!terms) return ['dark'];
  const { stage, targeting } = terms;
  if (isNoRule(targeting)) return [stage];
  if (unreadProblem(targeting) !== null) return ['dark'];
  const answers = answersOf(targeting);
  return FEATURE_STAGES.filter(
    (each) => answers.has(ANY) || answers.has(each) || (answers.has(null) && each === stage),
  );
}

/** The loosest stage that a feature has for somebody. */
export const loosestStage = (terms: StageTerms | undefined): FeatureStage => stagesOf(terms).at(-1) ?? 'dark';

/** True where the first stage allows more than the second. */
export const isLooserStage = (stage: FeatureStage, than: FeatureStage): boolean => rank(stage) > rank(than);
