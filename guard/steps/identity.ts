import { blocked } from '../decide.ts';
import { unidentified } from '../identity.ts';
import { always, type Step } from './step.ts';

/** Blocks work that names no agent: a kill of an agent would miss it. */
export const identity: Step = {
  name: 'identity',
  isFor: always,
  take(attempt) {
    const { guard, subject } = attempt;
    if (subject.agentId !== undefined) return 'go on';
    return attempt.refuse(blocked(subject, { kind: 'identity', message: unidentified(guard.requireRun) }));
  },
};
