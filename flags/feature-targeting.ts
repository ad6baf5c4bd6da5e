import type { Entry } from './entries.ts';
import { isSameForAll, ownFlagProblem } from './feature-stage.ts';
import { RuledValues, type ValueRule } from './ruled-values.ts';
import { FEATURE_STAGES, type FeatureStage, isFeatureStage } from './stages.ts';
import type { StoreNow } from './store-time.ts';

const STAGES = new RuledValues<FeatureStage, Entry<'feature'>>({
  values: FEATURE_STAGES,
  safe: 'dark',
  isValue: isFeatureStage,
  of: ({ stage, targeting }) => ({ value: stage, targeting }),
  ownProblem: ownFlagProblem,
});

/** The rule of a feature, for direct resolution and for compiling alike. */
export const stageRule = (entry: Entry<'feature'>): ValueRule<FeatureStage> => STAGES.ruleOf(entry);

/** True when the stage may become another one with the time alone. */
export const stageAsksForTime = (entry: Entry<'feature'>): boolean => !isSameForAll(entry) && STAGES.asksForTime(entry);

/** The stage for a context; whatever is wrong with its rule is `dark`, and so is a time that is not known. */
export const evaluateStage = (
  entry: Entry<'feature'>,
  context: Readonly<Record<string, unknown>>,
  now: StoreNow,
): FeatureStage => (isSameForAll(entry) ? entry.stage : STAGES.evaluate(entry, context, now));
