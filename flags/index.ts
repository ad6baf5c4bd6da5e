// For the other folders of this package, on Node. public.ts is what users and browsers may import.
export { attributesProblem, MAX_ATTRIBUTES_LENGTH } from './attributes.ts';
export { bothKills, killAdds, sameBaseMode } from './already.ts';
export * from './approvals.ts';
export * from './amounts.ts';
export * from './archive.ts';
export * from './beats.ts';
export * from './budget-records.ts';
export { tierRuleProblem } from './budget-tiers.ts';
export * from './budgets.ts';
export * from './catalogue.ts';
export * from './causes.ts';
export * from './change.ts';
export { type CompileOptions, compileFlagd } from './compile-flagd.ts';
export * from './context.ts';
export { dayAt, timeZoneProblem } from './day-window.ts';
export * from './decision.ts';
export * from './drills.ts';
export * from './entries.ts';
export * from './errors.ts';
export * from './evidence.ts';
export { type MetRestriction, restrictionsFor } from './explain.ts';
export * from './faults.ts';
export {
  type DefinitionProblem,
  definitionProblems,
  type FlagdDefinition,
  type FlagdFlag,
  type FlagdMetadata,
} from './flagd-schema.ts';
export * from './fold.ts';
export { deepFreeze } from './freeze.ts';
export * from './alerts.ts';
export * from './governance.ts';
export * from './hash-chain.ts';
export { idProblem, MAX_ID_LENGTH, textProblem } from './ids.ts';
export * from './judge-approval.ts';
export * from './ladder.ts';
export * from './lease.ts';
export { brokenBy, type LimitMax, limitOfAnswer, loweredBy, maxProblem } from './limit.ts';
export * from './modes.ts';
export * from './own-stops.ts';
export { withoutOwnConditions } from './own-conditions.ts';
export { checkTimeout, LONGEST_TIMER_MS } from './timeouts.ts';
export { isPermitFresh, KILL_RETURN_MS, PERMIT_MS } from './permit.ts';
export { escapeUnseen, oddity, printable, quoteId, shellWord, shownId } from './printable.ts';
export * from './reading.ts';
export * from './records.ts';
export * from './reports.ts';
export { featureAfter, type FeatureTerms, isSameFeature, isSameStage, surelyNoStricter } from './feature-change.ts';
export * from './feature-requirement.ts';
export {
  isLooserStage,
  isSameForAll,
  loosestStage,
  stageRuleProblem,
  stagesOf,
  type StageTerms,
} from './feature-stage.ts';
export { accountsRule, percentageRule, rolloutOf, surelyNoLooser } from './rollout.ts';
export { changesAt, type Inquiry, type Restriction, resolveMode, restrictionFor, stageFor } from './resolve.ts';
export { firstToMeet, meets, type RestrictedCall, type Restricting, RestrictionMemory } from './restricting.ts';
export { changeOf, isSameChange, type Request, REQUEST_BOUNDS } from './requests.ts';
export * from './roles.ts';
export * from './rollbacks.ts';
export { killsOf } from './kills-of.ts';
export { conditionProblem } from './rule-condition.ts';
export { unsaidAttributes } from './unsaid.ts';
export { coversRule, DRAINING, type RuleWindow, sameRule } from './rule-entry.ts';
export { isNoRule, ruleProblem } from './rule-grammar.ts';
export { type SafeAnswer, safeAnswer } from './safe-answer.ts';
export { isSecret } from './secret-keys.ts';
export { redactText } from './secret-texts.ts';
export * from './stages.ts';
export * from './state.ts';
export * from './stops.ts';
export * from './store-time.ts';
export {
  actionNameProblem,
  actionPatterns,
  formatTarget,
  isPattern,
  parseTarget,
  reaches,
  readTarget,
  restrictsNobody,
  TARGET_TYPES,
  type Target,
  type TargetType,
} from './targets.ts';
export * from './tripwire-detector.ts';
export * from './tripwire-records.ts';
export { UNKNOWN, unknownMembers, unknownParts } from './unknown-parts.ts';
export { hasControls } from './unseen.ts';
