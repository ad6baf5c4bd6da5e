import type { Step } from './step.ts';

/**
 * Refuses every verdict but `allow` for what undoes something: a draft or a proposal of it, or its effect at a safe
 * destination, would undo nothing.
 */
export const undoing: Step = {
  name: 'undoing',
  isFor: () => true,
  take: (attempt) => (attempt.decision.verdict === 'allow' ? 'go on' : attempt.refuse(attempt.decision)),
};
