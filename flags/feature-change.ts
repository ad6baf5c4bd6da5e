import { canonicalize } from 'json-canonicalize';
import type { Entry } from './entries.ts';
import { asksForLess, type FeatureRequirement, isSameRequirement } from './feature-requirement.ts';
import { isSameForAll, loosestStage, stagesOf, type StageTerms } from './feature-stage.ts';
import type { LastChange } from './records.ts';
import { rolloutOf, surelyNoLooser } from './rollout.ts';

/** What is said of a feature, beside its last change. */
export type FeatureTerms = Omit<Entry<'feature'>, keyof LastChange>;

/** What an event says of a feature. */
interface FeatureSaid extends StageTerms {
  readonly requirement?: FeatureRequirement | null | undefined;
}

/** What is said of a feature after an event of that time. */
export function featureAfter(before: FeatureTerms | undefined, said: FeatureSaid, at: string): FeatureTerms {
  const { stage, targeting } = said;
  const requirement = said.requirement === undefined ? before?.requirement : said.requirement;
  const since = shadowSince(before, said, at);
  return {
    stage,
    ...(!isSameForAll(said) && { targeting }),
    ...(requirement && { requirement }),
    ...(since !== undefined && { shadow_since: since }),
  };
}

/**
 * Evidence counts from when the feature last came into shadow, up from dark or down from beyond, and goes on counting
 * after it was promoted. What dark once was starts anew.
 */
function shadowSince(before: FeatureTerms | undefined, after: StageTerms, at: string): string | undefined {
  if (loosestStage(after) === 'dark') return undefined;
  if (!stagesOf(after).includes('shadow')) return before?.shadow_since;
  return stagesOf(before).includes('shadow') ? (before?.shadow_since ?? at) : at;
}

/** True for the same stage for everybody. */
export const isSameStage = (one: StageTerms, other: StageTerms): boolean =>
  one.stage === other.stage && ruleText(one) === ruleText(other);

const ruleText = (terms: StageTerms): string => (isSameForAll(terms) ? '' : canonicalize(terms.targeting));

/** True for the same terms: stage, rule and requirement. */
export const isSameFeature = (one: FeatureTerms, other: FeatureTerms): boolean =>
  isSameStage(one, other) && isSameRequirement(one.requirement, other.requirement);

/**
 * What a change of a feature does to authority. One that cannot be told to leave everybody no more than they had
 * loosens, and so does one after which less has to be shown.
 */
export function featureDirection(
  name: string,
  before: FeatureTerms | undefined,
  after: FeatureTerms,
): 'tightens' | 'loosens' | 'neutral' {
  if (isSameFeature(before ?? { stage: 'dark' }, after)) return 'neutral';
  const isNoLooser = isSameStage(before ?? { stage: 'dark' }, after) || surelyNoLooser(name, before, after);
  return isNoLooser && !asksForLess(before?.requirement, after.requirement) ? 'tightens' : 'loosens';
}

/**
 * True where nobody can have less by the second terms than by the first. A rule makes `dark` of a context that it
 * cannot read, so one that is new may take from somebody, unless it shares out in the same way as the one before.
 * @param before undefined for a feature that was never named, null where it is not known
 */
export function surelyNoStricter(feature: string, before: StageTerms | undefined | null, after: StageTerms): boolean {
  if (before === null) return after.stage === 'live' && isSameForAll(after);
  if (before === undefined || isSameStage(before, after)) return true;
  const readsNoMore = isSameForAll(after) || isSharedAlike(feature, before, after);
  return readsNoMore && surelyNoLooser(feature, after, before);
}

function isSharedAlike(feature: string, before: StageTerms, after: StageTerms): boolean {
  const [was, is] = [before, after].map(({ targeting }) => rolloutOf(feature, targeting)?.by);
  return is !== undefined && is === was;
}
