import { canonicalize } from 'json-canonicalize';
import { featureFlag } from './catalogue.ts';
import { type StageTerms, stagesOf, isLooserStage, isSameForAll } from './feature-stage.ts';
import { isJsonObject } from './json-object.ts';
import type { JsonLogic } from './json-logic.ts';
import { type FeatureStage, isFeatureStage } from './stages.ts';

/** The attribute of the context by which features are shared out. */
const ACCOUNT_ATTRIBUTE = 'account_id';

const ACCOUNT: JsonLogic = { var: ACCOUNT_ATTRIBUTE };

/** The rule that gives these accounts a stage of their own. */
export const accountsRule = (accounts: readonly string[], stage: FeatureStage): JsonLogic => ({
  if: [{ in: [ACCOUNT, [...accounts]] }, stage],
});

/**
 * The rule that gives a share of all accounts a stage of their own. An account stays in the share as long as that does
 * not shrink, and each feature has other accounts in it.
 */
export const percentageRule = (
  feature: string,
  percentage: number,
  { stage, otherwise }: { readonly stage: FeatureStage; readonly otherwise: FeatureStage },
): JsonLogic => ({
  if: [
    { '!==': [ACCOUNT, null] },
    {
      fractional: [
        { cat: [`${featureFlag(feature)}:`, { var: [ACCOUNT_ATTRIBUTE, 'none'] }, ':'] },
        [stage, percentage],
        [otherwise, 100 - percentage],
      ],
    },
  ],
});

/** Who has which stage, where that can be told account by account. */
export type Rollout =
  | { readonly by: 'accounts'; readonly accounts: ReadonlySet<string>; readonly stage: FeatureStage }
  | {
      readonly by: 'percentage';
      readonly percentage: number;
      readonly stage: FeatureStage;
      readonly otherwise: FeatureStage;
    };

/** The rollout that a rule is, where one of the rules above says just that. */
export function rolloutOf(feature: string, rule: unknown): Rollout | null {
  const parts = isJsonObject(rule) && Array.isArray(rule['if']) ? (rule['if'] as readonly unknown[]) : [];
  const [condition, given] = parts;
  const same = (made: JsonLogic): boolean => canonicalize(made) === canonicalize(rule);
  if (isJsonObject(condition) && Array.isArray(condition['in']) && isFeatureStage(given)) {
    const list: unknown = condition['in'][1];
    const accounts = Array.isArray(list) ? list.map(String) : [];
    return same(accountsRule(accounts, given)) ? { by: 'accounts', accounts: new Set(accounts), stage: given } : null;
  }
  const shares = isJsonObject(given) && Array.isArray(given['fractional']) ? (given['fractional'] as unknown[]) : [];
  const [stage, percentage] = asList(shares[1]);
  const [otherwise] = asList(shares[2]);
  if (!isFeatureStage(stage) || !isFeatureStage(otherwise) || typeof percentage !== 'number') return null;
  const stages = { stage, otherwise };
  return same(percentageRule(feature, percentage, stages)) ? { by: 'percentage', percentage, ...stages } : null;
}

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/**
 * True where nobody can have more by the second terms than by the first: either its loosest stage is no looser than
 * their strictest, or both share the feature out by account in the same way, and fewer have more. What a rule makes of
 * a context that it cannot read is a fault, and no grant, so it does not count.
 */
export function surelyNoLooser(feature: string, before: StageTerms | undefined, after: StageTerms): boolean {
  const [strictest = 'dark'] = stagesOf(before);
  const loosest = stagesOf(after).at(-1) ?? 'dark';
  return !isLooserStage(loosest, strictest) || (before !== undefined && sharesOutLess(feature, before, after));
}

function sharesOutLess(feature: string, before: StageTerms, after: StageTerms): boolean {
  const [was, is] = [before, after].map(({ targeting }) => rolloutOf(feature, targeting));
  if (isLooserStage(after.stage, before.stage)) return false;
  if (was?.by === 'accounts' && (is?.by === 'accounts' || isSameForAll(after))) {
    const stageIn = (terms: StageTerms, rollout: Rollout | null | undefined, account: string): FeatureStage =>
      rollout?.by === 'accounts' && rollout.accounts.has(account) ? rollout.stage : terms.stage;
    const named = new Set([...was.accounts, ...(is?.by === 'accounts' ? is.accounts : [])]);
    return [...named].every((account) => !isLooserStage(stageIn(after, is, account), stageIn(before, was, account)));
  }
  if (was?.by !== 'percentage' || is?.by !== 'percentage') return false;
  // Both put the same accounts first, so the smaller share lies within the larger one; who falls out must not gain.
  return (
    is.percentage <= was.percentage &&
    !isLooserStage(is.stage, was.stage) &&
    !isLooserStage(is.otherwise, was.otherwise) &&
    !isLooserStage(was.otherwise, was.stage)
  );
}
