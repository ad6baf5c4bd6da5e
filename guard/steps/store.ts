import type { Step } from './step.ts';
import { refuseUnsupported } from './unsupported.ts';

/** Refuses irreversible and journaled actions where there is no store: nothing could confirm them, nor keep them. */
export const store: Step = {
  name: 'store',
  isFor: ({ irreversible, journal }, hasStore) => !hasStore && (irreversible || journal),
  take: (attempt) =>
    refuseUnsupported(
      attempt,
      attempt.action.irreversible
        ? 'an irreversible action needs a store that confirms it'
        : attempt.action.reverse
          ? 'an action with a reverse operation needs a store that keeps its journal'
          : 'an action that is journaled needs a store that keeps its journal',
    ),
};
