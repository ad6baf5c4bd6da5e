import { ownCopy } from '../own-copy.ts';
import { isSetAside } from './budgets.ts';
import { refusal } from './limits.ts';
import type { Step } from './step.ts';

/**
 * Checks what the action would execute once more, in the turn that starts it: the flag of a limit may have been lowered
 * meanwhile. What was checked is what runs: a copy that nobody else has.
 */
export const lastChecks: Step = {
  name: 'last checks',
  isFor: ({ limits, spend }) => limits !== undefined || spend !== undefined,
  take(attempt) {
    const now = attempt.look();
    if (now.verdict === 'block') return attempt.refuse(now);
    const input = ownCopy(attempt.action.name, attempt.effective.input);
    const refused = refusal(attempt, input);
    if (refused) return refused;
    if (!isSetAside(attempt, input)) return attempt.reconsider();
    attempt.checked = { input };
    return 'go on';
  },
};
