import type { Step } from './step.ts';
import { refuseUnsupported } from './unsupported.ts';

/** An action that declares what it spends never runs, while budgets are not enforced. */
export const budgets: Step = {
  name: 'budgets',
  isFor: (action) => Object.keys(action.spend ?? {}).length > 0,
  take: (attempt) => refuseUnsupported(attempt, 'budgets are not enforced in this version'),
};
