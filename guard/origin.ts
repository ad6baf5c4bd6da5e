import { type Decision, shownId } from '../flags/index.ts';
import { keysOf } from '../flags/table.ts';
import { isAbove } from './identity.ts';
import type { Abort } from './in-flight.ts';
import type { StartedWork } from './started-work.ts';
import type { GuardedSubject } from './subject.ts';

/**
 * Where a result comes from: the attempt that returned it. Each step that the result still takes runs as this attempt,
 * and what stops this attempt stops the result.
 */
export interface Origin {
  /** Stands for the switch. Another switch in the same process decides by itself. */
  readonly guard: object;
  readonly subject: GuardedSubject;
  /** The decision that let the attempt through. */
  readonly decision: Decision;
  readonly work: StartedWork;
  readonly stop: (decision: Decision) => Abort | null;
}

/** True when everything that stops one of them stops the other: then both can share one record of what they return. */
export const isLike = (one: Origin, other: Origin): boolean =>
  one.guard === other.guard && one.decision.verdict === other.decision.verdict && isSame(one.subject, other.subject);

/**
 * True when `before` is the same as `origin` or works for it, or belongs to another switch. A child may hand its work
 * up to its parents: a stop of the child then ends it for them too.
 */
export const isHandedTo = (origin: Origin, before: Origin): boolean =>
  origin.guard !== before.guard || isAbove(origin.subject, before.subject);

/** The follower returned the same thing as the leader: it has no record of its own, and stops when the leader does. */
export function lead(leader: Origin, follower: Origin): void {
  follower.work.follow(leader.work);
  const { stoppedBy } = follower.work;
  if (stoppedBy) leader.stop(stoppedBy)?.(); // it was stopped before it returned this
}

/** For instance `agent bot, run 7`. */
export function shownOrigin({ subject: { agentId, missionId, runId } }: Origin): string {
  const parts = { agent: agentId, mission: missionId, run: runId };
  const named = Object.entries(parts).map(([what, id]) => (id === undefined ? '' : `${what} ${shownId(id)}`));
  return named.filter(Boolean).join(', ');
}

function isSame(one: GuardedSubject, other: GuardedSubject): boolean {
  for (const key of keysOf(one)) {
    const [a, b]: unknown[] = [one[key], other[key]];
    if (
      a !== b &&
      !(Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((id, at) => id === b[at]))
    )
      return false;
  }
  return true;
}
