import type { Step } from './step.ts';
import { refuseUnsupported } from './unsupported.ts';

/** Without a store nothing confirms an action, and nothing keeps what would undo it: such actions never run there. */
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
