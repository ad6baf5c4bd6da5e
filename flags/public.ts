// `openfeature-kill-switch/flags`: pure, and usable in a browser. Nothing here imports `node:` modules or an evaluator
// of flags.
export * from './beats.ts';
export * from './catalogue.ts';
export {
  type Cause,
  causeFromMetadata,
  causeFromRecord,
  causeMetadata,
  causeRecord,
  causeSchema,
  describeCause,
  type ShownAs,
} from './causes.ts';
export {
  type Attributes,
  type AttributeValue,
  contextFromSubject,
  type Subject,
  subjectFromContext,
} from './context.ts';
export type { Decision } from './decision.ts';
export { isKillSwitchError, KillSwitchError, type KillSwitchErrorCode } from './errors.ts';
export { type Fault, type FaultCode, isFaultCode, openFeatureErrorCode, type OpenFeatureErrorCode } from './faults.ts';
export { idProblem, MAX_ID_LENGTH } from './ids.ts';
export * from './modes.ts';
export { type FlagDetails, faultOfAnswer, modeOf, type Reading, readingFromDetails } from './reading.ts';
export * from './records.ts';
export * from './reports.ts';
export { type SafeAnswer, safeAnswer } from './safe-answer.ts';
export * from './stages.ts';
export {
  actionNameProblem,
  actionPatterns,
  formatTarget,
  parseTarget,
  TARGET_TYPES,
  type Target,
  type TargetType,
} from './targets.ts';
