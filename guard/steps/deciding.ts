import type { Decision } from '../../flags/index.ts';
import type { Attempt } from '../attempt.ts';
import { mayHaveChanged } from '../wait.ts';
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
