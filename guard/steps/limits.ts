import { type Cause, describeCause } from '../../flags/index.ts';
import type { Attempt } from '../attempt.ts';
import { blocked } from '../decide.ts';
import { askLimits } from '../limit-flags.ts';
import { brokenLimit } from '../limits.ts';
import type { Outcome } from '../outcome.ts';
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

const UNFIT = { kind: 'approval', status: 'unfit' } as const;
const EDITED = 'was approved with other arguments than it was asked with, which are stopped by';

/** The request whose approver has changed what this round would execute; null where nobody has. */
function editedBy<Input, Result>({ effective, holding }: Attempt<Input, Result>): string | null {
  if (!holding?.request || effective !== holding.input) return null;
  return effective.plain?.hash === holding.call.inputHash ? null : holding.request.id;
}

/** Refuses an input that does not keep a limit; null where it keeps them all. */
export function refusal<Input, Result>(attempt: Attempt<Input, Result>, input: Input): Outcome<Result> | null {
  const broken = brokenLimit(attempt, input);
  if (!broken) return null;
  const approvalId = editedBy(attempt);
  const cause: Cause =
    approvalId === null ? broken : { ...UNFIT, approvalId, why: `${EDITED} ${describeCause(broken)}` };
  return attempt.refuse(blocked(attempt.subject, cause, attempt.decision));
}
