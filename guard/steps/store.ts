import type { Step } from './step.ts';
import { refuseUnsupported } from './unsupported.ts';

/** Refuses what needs a store where there is none: nothing could confirm it, keep its journal or count its cost. */
export const store: Step = {
  name: 'store',
  isFor: ({ irreversible, journal, spend }, hasStore) => !hasStore && (irreversible || journal || spend !== undefined),
  take: (attempt) =>
    refuseUnsupported(
      attempt,
      attempt.action.irreversible
        ? 'an irreversible action needs a store that confirms it'
        : attempt.action.reverse
          ? 'an action with a reverse operation needs a store that keeps its journal'
          : attempt.action.journal
            ? 'an action that is journaled needs a store that keeps its journal'
            : 'an action that spends needs a store that keeps its budgets',
    ),
};
