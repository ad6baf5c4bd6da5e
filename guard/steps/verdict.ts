import type { Verdict } from '../../flags/index.ts';
import { approvals } from './approvals.ts';
import { drafting } from './drafting.ts';
import { redirecting } from './redirecting.ts';
import { always, type Step } from './step.ts';

/** The step that each verdict needs before the action is intended. Null: none, or `deciding` has ended the attempt. */
const ASKS: Readonly<Record<Verdict, Step | null>> = Object.freeze({
  allow: null,
  redirect: redirecting,
  hold: approvals,
  draft: drafting,
  pause: null,
  block: null,
});

/**
 * Takes the step that the verdict needs. One row for all of them, because most attempts are allowed and go on at once.
 */
export const verdict: Step = {
  name: 'verdict',
  isFor: always,
  take(attempt) {
    return ASKS[attempt.decision.verdict]?.take(attempt) ?? 'go on';
  },
};
