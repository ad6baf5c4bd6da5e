import { ownCopy } from '../own-copy.ts';
import { isSetAside } from './budgets.ts';
import { refusal } from './limits.ts';
import type { Step } from './step.ts';

/** How often a call may say that it spends another amount than is set aside. */
const MOST_AMOUNTS = 5;

/**
 * Checks what the action would execute once more, in the turn that starts it: the flag of a limit may have been lowered
 * meanwhile. What was checked is what runs: a copy that nobody else has.
 */
export const lastChecks: Step = {
  name: 'last checks',
  isFor: ({ limits, spend }) => limits !== undefined || spend !== undefined,
  take(attempt) {
    // Code of the application is called next; where a stop is why, no limit is to be named.
    const now = attempt.look();
    if (now.verdict === 'block') return attempt.refuse(now);
    const input = ownCopy(attempt.action.name, attempt.effective.input);
    const refused = refusal(attempt, input);
    if (refused) return refused;
    if (!isSetAside(attempt, input))
      return attempt.reconsider(
        'it said that it spends another amount: spend must answer by the input alone',
        MOST_AMOUNTS,
      );
    attempt.checked = { input };
    return 'go on';
  },
};
