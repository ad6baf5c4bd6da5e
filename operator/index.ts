export type { Acknowledgements, ExecutorAcknowledgement, ExecutorState, SharedWriter } from './acknowledge.ts';
export type {
  ChangeAnswer,
  ChangeOptions,
  ControlPlane,
  KillAnswer,
  KillOptions,
  RecoverAnswer,
  RecoverOptions,
  ReviveAnswer,
  Status,
  SurfaceRow,
} from './control-plane.ts';
export { type OpenControlPlaneOptions, openControlPlane } from './open.ts';
export type { Operator } from './plan-change.ts';
export type { LogVerification } from './verify-log.ts';
