import type { NormalisedAction } from '../action.ts';
import { ownCopy } from '../own-copy.ts';
import { fitsReservation } from './budgets.ts';
import { refusal } from './limits.ts';
import type { Step } from './step.ts';

/** Whether what an action executes is checked in the turn that starts it: then what was checked is what runs. */
export const needsLastChecks = <Input, Result>({ limits, spend }: NormalisedAction<Input, Result>): boolean =>
  limits !== undefined || spend !== undefined;

/** How often what a call spends may be another amount than is reserved. */
const MOST_AMOUNTS = 5;

/**
 * Checks what the action would execute once more, in the turn that starts it: the flag of a limit, or a budget, may
 * have been lowered meanwhile. What was checked is what runs: a copy that nobody else has.
 */
export const lastChecks: Step = {
  name: 'last checks',
  isFor: needsLastChecks,
  take(attempt) {
    // Code of the application is called next; where a stop is why, no limit is to be named.
    const now = attempt.look();
    if (now.verdict === 'block') return attempt.refuse(now);
    const input = ownCopy(attempt.action.name, attempt.effective.input);
    const refused = refusal(attempt, input);
    if (refused) return refused;
    if (!fitsReservation(attempt, input))
      return attempt.reconsider(
        'what it says that it spends, or its budgets, had changed: spend must answer by the input alone',
        MOST_AMOUNTS,
      );
    attempt.checked = { input };
    return 'go on';
  },
};
