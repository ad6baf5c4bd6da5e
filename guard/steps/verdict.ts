import type { Verdict } from '../../flags/index.ts';
import { draft } from './drafting.ts';
import { hold } from './holding.ts';
import { redirect } from './redirecting.ts';
import { always, type Step } from './step.ts';

/**
 * What each verdict asks for before the action is intended. Null: nothing, or `deciding` has ended the attempt. A
 * verdict that nothing here deals with is refused by `intent`.
 */
const ASKS_FOR: Readonly<Record<Verdict, Step['take'] | null>> = Object.freeze({
  allow: null,
  redirect,
  hold,
  draft,
  pause: null,
  block: null,
});

/**
 * Does what the verdict asks for. One step for all verdicts, because most attempts are allowed and go on at once.
 */
export const verdict: Step = {
  name: 'verdict',
  isFor: always,
  take(attempt) {
    return ASKS_FOR[attempt.decision.verdict]?.(attempt) ?? 'go on';
  },
};
