import type { Step } from './step.ts';
import { refuseUnsupported } from './unsupported.ts';

/**
 * Refuses irreversible and reversible actions where there is no store: nothing could confirm the former, nor keep how
 * to reverse the latter.
 */
export const store: Step = {
  name: 'store',
  isFor: ({ irreversible, reverse }, hasStore) => !hasStore && (irreversible || reverse !== undefined),
  take: (attempt) =>
    refuseUnsupported(
      attempt,
      attempt.action.irreversible
        ? 'an irreversible action needs a store that confirms it'
        : 'an action with a reverse operation needs a store that keeps its journal',
    ),
};
