import { always, type Step } from './step.ts';
import { refuseUnsupported } from './unsupported.ts';

/** Refuses every attempt that a person would have to approve: this version has no approvals. */
export const approvals: Step = {
  name: 'approvals',
  isFor: always,
  take: (attempt) =>
    attempt.decision.verdict === 'hold'
      ? refuseUnsupported(attempt, 'approvals are not available in this version')
      : 'go on',
};
