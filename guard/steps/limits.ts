import type { Step } from './step.ts';
import { refuseUnsupported } from './unsupported.ts';

/** An action that declares limits never runs, while they are not enforced. */
export const limits: Step = {
  name: 'limits',
  isFor: (action) => Object.keys(action.limits ?? {}).length > 0,
  take: (attempt) => refuseUnsupported(attempt, 'limits are not enforced in this version'),
};
