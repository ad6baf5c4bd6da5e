import { always, type Step } from './step.ts';
import { refuseUnsupported } from './unsupported.ts';

/**
 * Intends to perform it. Whatever no step before has dealt with is refused, so that a verdict that somebody forgets is
 * a block.
 */
export const intent: Step = {
  name: 'intent',
  isFor: always,
  take(attempt) {
    const { decision } = attempt;
    const { verdict } = decision;
    if (verdict !== 'allow' && !(verdict === 'redirect' && attempt.redirected))
      return refuseUnsupported(attempt, `nothing in this version deals with the verdict ${verdict}`);
    if (attempt.signal?.aborted) return attempt.abandon('aborted', decision);
    attempt.intend();
    return 'go on';
  },
};
