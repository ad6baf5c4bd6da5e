import { type Decision, shownId } from '../flags/index.ts';
import { isAbove } from './identity.ts';
import type { Abort } from './in-flight.ts';
import type { StartedWork } from './started-work.ts';
import type { GuardedSubject } from './subject.ts';

/** An attempt, as far as it matters who gave a result. */
export interface Giver {
  /** Of one switch. What another one of the same process decides has nothing to do with it. */
  readonly guard: object;
  readonly subject: GuardedSubject;
  /** By which it was let through. */
  readonly decision: Decision;
  readonly work: StartedWork;
  readonly stop: (decision: Decision) => Abort | null;
}

/** True when whatever stops one of both stops the other: then one record of what they give serves both. */
export const isLike = (one: Giver, other: Giver): boolean =>
  one.guard === other.guard && one.decision.verdict === other.decision.verdict && isSame(one.subject, other.subject);

/**
 * True when the other worked for this one, or is the same: what somebody has begun is handed on upwards, and a stop of
 * whoever began it ends it for all.
 */
export const isHandedTo = (giver: Giver, before: Giver): boolean =>
  giver.guard !== before.guard || isAbove(giver.subject, before.subject);

/** The follower gave what the leader has given already: it has no record of its own, and is told when the leader is. */
export function lead(leader: Giver, follower: Giver): void {
  follower.work.follow(leader.work);
  const { stoppedBy } = follower.work;
  if (stoppedBy) leader.stop(stoppedBy)?.(); // it was told before this came of it
}

/** As in `agent bot, run 7`. */
export function shownGiver({ subject: { agentId, missionId, runId } }: Giver): string {
  const parts = { agent: agentId, mission: missionId, run: runId };
  const named = Object.entries(parts).map(([what, id]) => (id === undefined ? '' : `${what} ${shownId(id)}`));
  return named.filter(Boolean).join(', ');
}

function isSame(one: GuardedSubject, other: GuardedSubject): boolean {
  for (const key of Object.keys(one) as Array<keyof GuardedSubject>) {
    const [a, b]: unknown[] = [one[key], other[key]];
    if (
      a !== b &&
      !(Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((id, at) => id === b[at]))
    )
      return false;
  }
  return true;
}
