export type { Acknowledgements, ExecutorAcknowledgement, ExecutorState, SharedWriter } from './acknowledge.ts';
export type { ApprovalRecord, ApprovalStatus, StandingRecord } from './approval-records.ts';
export type * from './answers.ts';
export type * from './doctor/answer.ts';
export type { DoctorOptions } from './given/doctor.ts';
export type { ControlPlane } from './control-plane.ts';
export type { Difference } from './differences.ts';
export type { LogExport } from './export-log.ts';
export type { ForgetOptions } from './forget-executor.ts';
export type { AlertOptions, AlertRemoval } from './given/alert.ts';
export type { ApproveOptions, RejectOptions } from './given/approval.ts';
export type { AutonomyOptions } from './given/autonomy.ts';
export type { BudgetOptions, RemoveBudgetOptions } from './given/budget.ts';
export type { ChangeOptions, WaitOptions } from './given/change.ts';
export type { FeatureOptions, RequirementOptions } from './given/feature.ts';
export type { FlagsOptions } from './given/flags.ts';
export type { KillOptions, ReviveOptions } from './given/kill.ts';
export type { LimitOptions } from './given/limit.ts';
export type { ArchiveLogOptions, ExportLinesOptions, ExportLogOptions, VerifyOptions } from './given/log.ts';
export type { ModeOptions } from './given/mode.ts';
export type { Question } from './given/question.ts';
export type { RecoverOptions } from './given/recover.ts';
export type { ResolveOptions } from './given/resolve.ts';
export type { RollbackOptions, RollbackScopeOptions } from './given/rollback.ts';
export type { RuleOptions, RuleRemoval } from './given/rule.ts';
export type { AllowOptions, WithdrawStandingOptions } from './given/standing.ts';
export type { RemoveTripwireOptions, TripwireOptions } from './given/tripwire.ts';
export type { SignedHead } from './head-signature.ts';
export type { HeldStopRow } from './held-stops.ts';
export type * from './lists.ts';
export type { LogProof } from './log-proof.ts';
export { type OpenControlPlaneOptions, openControlPlane } from './open.ts';
export type { GivenOperator as Operator } from './operators.ts';
export {
  ChangePendingError,
  ChangeRefusedError,
  isChangePendingError,
  isChangeRefusedError,
  type PendingRequest,
  type Refusal,
} from './refusals.ts';
export type { LogVerification } from './verify-log.ts';
export { verifyLogFile } from './verify-log-file.ts';
