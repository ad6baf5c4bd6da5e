import type { Verdict } from '../../flags/index.ts';
import { approvals } from './approvals.ts';
import { drafting } from './drafting.ts';
import { redirecting } from './redirecting.ts';
import { always, type Step } from './step.ts';

/** What each verdict asks for before an action is intended; null: nothing, or the attempt has ended in `deciding`. */
const ASKS: Readonly<Record<Verdict, Step | null>> = Object.freeze({
  allow: null,
  redirect: redirecting,
  hold: approvals,
  draft: drafting,
  pause: null,
  block: null,
});

/** Does what the verdict asks for. One step for all of them: most attempts are allowed, and go on at once. */
export const verdict: Step = {
  name: 'verdict',
  isFor: always,
  take(attempt) {
    return ASKS[attempt.decision.verdict]?.take(attempt) ?? 'go on';
  },
};
