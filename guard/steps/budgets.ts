import type { Step } from './step.ts';
import { refuseUnsupported } from './unsupported.ts';

/** Refuses every action that declares what it spends: this version does not enforce budgets. */
export const budgets: Step = {
  name: 'budgets',
  isFor: (action) => Object.keys(action.spend ?? {}).length > 0,
  take: (attempt) => refuseUnsupported(attempt, 'budgets are not enforced in this version'),
};
