import type { Attempt } from '../attempt.ts';
import { blocked } from '../decide.ts';
import { askLimits } from '../limit-flags.ts';
import { brokenLimit } from '../limits.ts';
import type { Outcome } from '../outcome.ts';
import { ownCopy } from '../own-copy.ts';
import type { Step } from './step.ts';

const hasLimits: Step['isFor'] = ({ limits }) => limits !== undefined;

/**
 * Asks the client for the flags of the limits, once in each round, where the local copy does not have them. Before the
 * mode, which is then no older than without limits when the action starts.
 */
export const limitFlags: Step = {
  name: 'limit flags',
  isFor: hasLimits,
  take(attempt) {
    const { action, guard, subject } = attempt;
    if (!guard.limitClient) return 'go on';
    return askLimits(guard.limitClient, subject, Object.keys(action.limits ?? {})).then((flags) => {
      attempt.limitFlags = flags;
      attempt.askedAt = performance.now(); // the mode is asked for next, with a deadline of its own
      return 'go on' as const;
    });
  },
};

/** Refuses what does not keep a limit before a draft is made of it, or anybody is asked about it. */
export const limits: Step = {
  name: 'limits',
  isFor: hasLimits,
  take: (attempt) => refusal(attempt, attempt.effective.input) ?? 'go on',
};

/**
 * Checks the limits again, in the turn that starts the action: a flag may have been lowered meanwhile. What was checked
 * is what runs: a copy that nobody else has.
 */
export const lastLimits: Step = {
  name: 'limits again',
  isFor: hasLimits,
  take(attempt) {
    const now = attempt.look();
    if (now.verdict === 'block') return attempt.refuse(now);
    const input = ownCopy(attempt.action.name, attempt.effective.input);
    const refused = refusal(attempt, input);
    if (refused) return refused;
    attempt.checked = { input };
    return 'go on';
  },
};

function refusal<Input, Result>(attempt: Attempt<Input, Result>, input: Input): Outcome<Result> | null {
  const cause = brokenLimit(attempt, input);
  return cause && attempt.refuse(blocked(attempt.subject, cause, attempt.decision));
}
