import {
  actionNameProblem,
  type Decision,
  deepFreeze,
  type Effect,
  faultReading,
  idProblem,
  isEffect,
  messageOf,
} from '../flags/index.ts';
import { keyProblem, type Keys } from '../flags/options.ts';
import { blocked, decide } from './decide.ts';
import type { Guard } from './guard.ts';
import { type Identity, unidentified } from './identity.ts';
import { readNow } from './look.ts';
import type { GuardedSubject } from './subject.ts';

/** What `check` decides about. Agent, mission and run default to those of the run that it is called in. */
export interface CheckOptions {
  readonly agentId?: string | undefined;
  readonly missionId?: string | undefined;
  readonly runId?: string | undefined;
  readonly action?: string | undefined;
  /** Default `write`. */
  readonly effect?: Effect | undefined;
  readonly surface?: string | undefined;
  readonly feature?: string | undefined;
}

const CHECK_KEYS: Keys<CheckOptions> = {
  agentId: true,
  missionId: true,
  runId: true,
  action: true,
  effect: true,
  surface: true,
  feature: true,
};

/** A switch instead of a lookup in CHECK_KEYS, which would cost half as much as the rest of check(). */
function isCheckKey(key: keyof CheckOptions): boolean {
  switch (key) {
    case 'agentId':
    case 'missionId':
    case 'runId':
    case 'action':
    case 'effect':
    case 'surface':
    case 'feature':
      return true;
    default:
      key satisfies never;
      return false;
  }
}

/**
 * Whether it is an object with keys, all of which are known. `Key` says only what the caller's type promises; the keys
 * that are there are looked at.
 */
function hasCheckKeys<Key extends keyof CheckOptions>(options: Pick<CheckOptions, Key>): boolean {
  if (typeof options !== 'object' || options === null) return false;
  let some = false;
  for (const key in options) {
    if (!isCheckKey(key)) return false;
    some = true;
  }
  return some; // one without any may be a list or a promise, which is looked at elsewhere
}

const NO_STATE = deepFreeze(
  faultReading(
    'NO_LOCAL_STATE',
    'this switch has no store, so check() has no local state to look at: use attempt() of an action instead',
  ),
);

/** What is decided about where a caller without types gives null: the options are then refused. */
const NOTHING: CheckOptions = {};

/** The `check` of a switch. It is called most of all, so it goes through no more functions than it must. */
export const checkOf =
  (guard: Guard) =>
  (options: CheckOptions = {}): Decision => {
    const { organizationId } = guard;
    const from = guard.identity();
    let subject: GuardedSubject;
    let problem: string | null;
    try {
      subject = checkedSubject(organizationId, options ?? NOTHING, from);
      problem = hasCheckKeys(options) ? null : keyProblem('check', options, CHECK_KEYS);
    } catch (error) {
      // A getter or a proxy of the caller's. check() never throws.
      subject = checkedSubject(organizationId, NOTHING, from);
      problem = `The options of check cannot be read: ${messageOf(error)}.`;
    }
    problem ??= subjectProblem(subject, guard.requireRun);
    if (problem !== null) return blocked(subject, { kind: 'identity', message: problem });
    return decide(subject, readNow(guard, subject) ?? NO_STATE);
  };

function subjectProblem(subject: GuardedSubject, requireRun: boolean): string | null {
  if (subject.agentId === undefined)
    return requireRun
      ? unidentified(requireRun)
      : 'check() knows no agent to decide about: give it an agentId, or call it inside a run';
  // No loop over the names: it would cost more than the rest of check().
  return (
    nameProblem('agentId', subject.agentId) ??
    nameProblem('missionId', subject.missionId) ??
    nameProblem('runId', subject.runId) ??
    nameProblem('action', subject.action, actionNameProblem) ??
    nameProblem('surface', subject.surface) ??
    nameProblem('feature', subject.feature)
  );
}

function nameProblem(what: keyof GuardedSubject, id: string | undefined, problemOf = idProblem): string | null {
  const problem = id === undefined ? null : problemOf(id);
  return problem === null ? null : `the ${what} given to check() ${problem}`;
}

/** An unknown effect counts as `write`, the strictest. */
const checkedSubject = (organizationId: string, options: CheckOptions, from: Identity | undefined): GuardedSubject => ({
  organizationId,
  // Not by ??, which would take null for an agent that was not given.
  agentId: options.agentId === undefined ? from?.agentId : options.agentId,
  missionId: options.missionId === undefined ? from?.missionId : options.missionId,
  runId: options.runId === undefined ? from?.runId : options.runId,
  lineageAgents: from?.lineageAgents,
  lineageMissions: from?.lineageMissions,
  lineageRuns: from?.lineageRuns,
  action: options.action,
  effect: isEffect(options.effect) ? options.effect : 'write',
  surface: options.surface,
  feature: options.feature,
  context: from?.context,
});
