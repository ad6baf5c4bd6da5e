import { always, type Step } from './step.ts';
import { refuseUnsupported } from './unsupported.ts';

/**
 * Intends to perform the action. Refuses every verdict that no earlier step has dealt with: a forgotten verdict is a
 * block.
 */
export const intent: Step = {
  name: 'intent',
  isFor: always,
  take(attempt) {
    const { decision } = attempt;
    const { verdict } = decision;
    const isReady =
      verdict === 'allow' ||
      (verdict === 'redirect' && attempt.redirected !== undefined) ||
      (verdict === 'hold' && attempt.holding?.claimed);
    if (!isReady) return refuseUnsupported(attempt, `nothing in this version deals with the verdict ${verdict}`);
    if (attempt.signal?.aborted) return attempt.abandon('aborted', decision);
    attempt.intend();
    return 'go on';
  },
};
