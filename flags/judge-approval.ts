import { canonicalize } from 'json-canonicalize';
import type { BoundRequest, EditedInput } from './approvals.ts';
import type { Subject } from './context.ts';
import type { Entry } from './entries.ts';
import { isJsonObject } from './json-object.ts';
import { shownId } from './printable.ts';
import { firstToMeet, type RestrictedCall, type Restricting } from './restricting.ts';

/** A call that wants to use an approval. */
export interface ApprovalCall extends RestrictedCall {
  /** SHA-256 of its canonical input, in hex. */
  readonly inputHash: string;
}

/** What is known when an approval is judged. */
export interface ApprovalFacts {
  /** The generation of the log. */
  readonly generation: string;
  /** The store's time, in milliseconds since 1970; null where it is not known, which counts as expired. */
  readonly now: number | null;
  /** The restrictions after an epoch, as `RestrictionMemory.since`; null where not all of them are known. */
  readonly restrictionsSince: (epoch: number) => readonly Restricting[] | null;
}

/** Why an approval is not good for a call. `why`: a clause for people that goes on after its id. */
export interface NotApproved {
  readonly is: 'not approved';
  readonly status: 'rejected' | 'expired' | 'cancelled' | 'other_call';
  readonly why: string;
}

/** What has become of a request, for one call. */
export type ApprovalJudgement =
  /** Nobody, or not enough people, have decided yet. */
  | { readonly is: 'pending' }
  /** `edited`: these arguments are to be used; else those of the call. */
  | { readonly is: 'approved'; readonly edited: EditedInput | null }
  | NotApproved;

const not = (status: NotApproved['status'], why: string): NotApproved => ({ is: 'not approved', status, why });

/** What a call has to have in common with the request, and what that is called. */
const SAME: ReadonlyArray<
  readonly [name: string, of: (request: BoundRequest) => unknown, has: (call: ApprovalCall) => unknown]
> = [
  ['action', ({ action }) => action, ({ subject }) => subject.action],
  ['arguments', ({ input_hash }) => input_hash, ({ inputHash }) => inputHash],
  ['agent', ({ agent_id }) => agent_id, ({ subject }) => subject.agentId],
  ['run', ({ run_id }) => run_id, ({ subject }) => subject.runId ?? null],
  ['mission', ({ mission_id }) => mission_id, ({ subject }) => subject.missionId ?? null],
];

/**
 * The call as the request names it: with the parents, the surface, the feature and the limits that it was asked with.
 * Whoever comes back for it may have others, or none.
 */
export function asAsked<Asker extends Subject>(request: BoundRequest, subject: Asker): Asker {
  return {
    ...subject,
    lineageAgents: request.lineage_agents,
    lineageMissions: request.lineage_missions,
    lineageRuns: request.lineage_runs,
    surface: request.surface ?? undefined,
    feature: request.feature ?? undefined,
  };
}

/**
 * Whether this request can still be used for this call, whatever was decided: it is of this very call and log, its time
 * is not over, and nothing has restricted it since it was opened, also if that was lifted again: neither the call that
 * was asked about nor the one that comes. Null where nothing speaks against it.
 */
export function endOfRequest(request: BoundRequest, call: ApprovalCall, facts: ApprovalFacts): NotApproved | null {
  const different = SAME.filter(([, of, has]) => of(request) !== has(call)).map(([name]) => name);
  if (different.length > 0) return not('other_call', `was asked for another call: the ${different.join(', ')} differ`);
  const asked = { subject: asAsked(request, call.subject), limits: request.limits };
  return overOrVoided(request.expires_at, request, [asked, call], facts);
}

function overOrVoided(
  until: string,
  { generation, epoch }: { readonly generation: string | null; readonly epoch: number },
  calls: readonly RestrictedCall[],
  facts: ApprovalFacts,
): NotApproved | null {
  if (generation !== null && generation !== facts.generation)
    return not('cancelled', 'was asked for before the switch was recovered');
  if (facts.now === null || facts.now >= Date.parse(until)) return not('expired', `has expired at ${until}`);
  const since = facts.restrictionsSince(epoch);
  if (since === null)
    return not('cancelled', 'is too old: what has been restricted since it was asked for is not known');
  const met = firstToMeet(since, ...calls);
  return (
    met &&
    not('cancelled', `is cancelled: ${met.type} at epoch ${met.epoch} by ${shownId(met.by)} has restricted this since`)
  );
}

/** Whether a decided request is good for this call. Judged again right before the action starts. */
export function judgeApproval(entry: Entry<'approval'>, call: ApprovalCall, facts: ApprovalFacts): ApprovalJudgement {
  const { status, request, given, edited, notes } = entry;
  if (status === 'rejected') return not('rejected', `was rejected${notes === null ? '' : ` (${notes})`}`);
  const end = endOfRequest(request, call, facts);
  if (end) return end;
  return status === 'approved' && given.length >= request.approvals_needed
    ? { is: 'approved', edited }
    : { is: 'pending' };
}

/**
 * Whether what was asked for has the members that a standing approval names, each exactly as it is there: an object
 * within may have no other members, or somebody could be added to whom nobody has agreed.
 */
export function hasMatching(input: unknown, match: unknown): boolean {
  const isSame = (one: unknown, other: unknown): boolean => canonicalize(one) === canonicalize(other);
  if (!isJsonObject(match)) return isSame(input, match);
  return (
    isJsonObject(input) &&
    Object.entries(match).every(([name, value]) => Object.hasOwn(input, name) && isSame(input[name], value))
  );
}

/** Whether a standing approval is good for a call with this input; how often it was used is the store's to say. */
export function isStandingFor(
  { action, agent_id, run_id, match, until, epoch }: Entry<'standing'>,
  { subject, limits, input }: RestrictedCall & { readonly input: unknown },
  facts: ApprovalFacts,
): boolean {
  return (
    action === subject.action &&
    agent_id === subject.agentId &&
    (run_id === null || run_id === subject.runId) &&
    (match === null || hasMatching(input, match)) &&
    overOrVoided(until, { generation: null, epoch }, [{ subject, limits }], facts) === null
  );
}
