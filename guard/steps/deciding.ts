import type { Decision } from '../../flags/index.ts';
import type { Attempt } from '../attempt.ts';
import { blocked, faultCause } from '../decide.ts';
import { whyNotIn } from '../handlers.ts';
import { mayHaveChanged } from '../wait.ts';
import { beginHolding } from './holding.ts';
import { always, type Next, type Step } from './step.ts';

/**
 * Decides from the evaluation and the local copy. In a pause the attempt waits, and is decided again from the start
 * after a change.
 */
export const deciding: Step = {
  name: 'deciding',
  isFor: always,
  take(attempt) {
    const decision = attempt.decide();
    if (decision.verdict === 'block') return attempt.refuse(decision);
    const { handler, subject } = attempt;
    // A draft of it changes nothing; in a pause it is decided again.
    if (handler !== null && decision.verdict !== 'draft' && decision.verdict !== 'pause')
      return attempt.refuse(blocked(subject, faultCause('UNSUPPORTED', whyNotIn(handler)), decision));
    // Before its limits are looked at, and anybody is asked.
    if (decision.verdict === 'hold' || attempt.options.approvalId !== undefined)
      attempt.holding ??= beginHolding(attempt);
    return decision.verdict === 'pause' ? waiting(attempt, decision) : 'go on';
  },
};

async function waiting<Input, Result>(attempt: Attempt<Input, Result>, decision: Decision): Promise<Next<Result>> {
  const given = attempt.withdraw();
  if (given) {
    await given;
    return 'again'; // the pause may have ended meanwhile
  }
  attempt.wait(decision);
  const { guard, subject } = attempt;
  return (await mayHaveChanged(guard, subject, attempt)) ? 'again' : attempt.abandon('paused', decision);
}
