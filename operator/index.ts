export type { Acknowledgements, ExecutorAcknowledgement, ExecutorState, SharedWriter } from './acknowledge.ts';
export type { ApprovalRecord, ApprovalStatus, StandingRecord } from './approval-records.ts';
export type * from './control-plane.ts';
export type { Difference } from './differences.ts';
export type * from './lists.ts';
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
