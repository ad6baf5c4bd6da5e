import { always, type Step } from './step.ts';
import { refuseUnsupported } from './unsupported.ts';

/** What a person would have to approve is refused, while there are no approvals. */
export const approvals: Step = {
  name: 'approvals',
  isFor: always,
  take: (attempt) =>
    attempt.decision.verdict === 'hold'
      ? refuseUnsupported(attempt, 'approvals are not available in this version')
      : 'go on',
};
