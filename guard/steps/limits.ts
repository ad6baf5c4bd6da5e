import type { Step } from './step.ts';
import { refuseUnsupported } from './unsupported.ts';

/** Refuses every action that declares limits: this version does not enforce them. */
export const limits: Step = {
  name: 'limits',
  isFor: (action) => Object.keys(action.limits ?? {}).length > 0,
  take: (attempt) => refuseUnsupported(attempt, 'limits are not enforced in this version'),
};
