import {
  contextFromSubject,
  invalid,
  makeDecision,
  type MetRestriction,
  restrictionFor,
  restrictionsFor,
  verdictFor,
} from '../flags/index.ts';
import type { Explanation, Status } from './answers.ts';
import type { Asking } from './given/question.ts';
import type { WholeSwitch } from './status.ts';

/**
 * What is decided about a call by the state of a store, and every restriction that meets it. Where executors report
 * that the store has lost a change, everything is stopped, as it is in them.
 * @throws KillSwitchError INVALID_ARGUMENT where it is asked about a time that has passed
 */
export function judgeCall(
  { organizationId, state, time }: WholeSwitch,
  { effect, at, ...named }: Asking,
  forks: Status['forks'],
): Explanation {
  const subject = { ...named, effect, organizationId };
  const now = Date.parse(at ?? time);
  if (now < Date.parse(time))
    throw invalid(`at is a time to come, and ${at} has passed: the store's clock says ${time}.`);
  const inquiry = { context: contextFromSubject(subject), now: () => now, organizationId };
  const restrictions: MetRestriction[] = [...(forks.length > 0 ? [FORKED] : []), ...restrictionsFor(state, inquiry)];
  const { mode, cause } = forks.length > 0 ? FORKED : restrictionFor(state, inquiry);
  const decision = makeDecision(subject, { verdict: verdictFor(mode, effect), mode, epoch: state.epoch, cause });
  return { decision, restrictions };
}

const FORKED: MetRestriction = Object.freeze({
  mode: 'full_stop',
  cause: {
    kind: 'fault',
    code: 'GENERATION_CHANGED',
    message: 'executors report that the store has lost a change, so everything is stopped until kill-switch recover',
  },
  target: 'all',
} as const);
