import {
  type ApprovalCall,
  type ApprovalFacts,
  boundBy,
  endOfRequest,
  type Entry,
  escalationOf,
  expiryOf,
  type KeptApproval,
  type Subject,
} from '../flags/index.ts';
import type { ReportedApproval } from '../store/capabilities/approvals.ts';

/** What has become of a request. */
export const APPROVAL_STATUSES = Object.freeze([
  'pending',
  'approved',
  'rejected',
  'expired',
  'cancelled',
  'used',
] as const);

/** What has become of a request. `cancelled`: its executor has given it up, or something ended it (`why` says what). */
export type ApprovalStatus = (typeof APPROVAL_STATUSES)[number];

/** A request for an approval, as it is shown and answered. */
export interface ApprovalRecord {
  readonly id: string;
  readonly status: ApprovalStatus;
  /** Why it has this status, where that does not say it; else null. */
  readonly why: string | null;
  readonly action: string;
  /**
   * The input without secrets, as the agent gave it: the value, or where it was too long (`input_cut`) the beginning of
   * its JSON.
   */
  readonly input: unknown;
  readonly input_cut: boolean;
  /** How many characters of JSON the whole of it has. */
  readonly input_length: number;
  /** SHA-256 of the whole canonical input: this is what is approved. */
  readonly input_hash: string;
  /** What the action says of it; the agent may have had a hand in it. */
  readonly description: string | null;
  readonly agent_id: string;
  readonly run_id: string | null;
  readonly mission_id: string | null;
  readonly lineage_agents: readonly string[];
  readonly lineage_missions: readonly string[];
  readonly lineage_runs: readonly string[];
  readonly surface: string | null;
  readonly feature: string | null;
  readonly cost_usd: number | null;
  readonly reversible: boolean;
  /** The name of the executor that asked. */
  readonly requested_by: string;
  /** Who has written the request, as far as the store knows. */
  readonly writer: string | null;
  readonly requested_at: string;
  readonly expires_at: string;
  /** When it is told again; null: never. */
  readonly escalate_at: string | null;
  readonly escalated: boolean;
  readonly approvals_needed: number;
  readonly approvals_given: number;
  readonly decided_by: string | null;
  readonly decided_at: string | null;
  readonly decision_notes: string | null;
  /** The arguments that an approver has put in the place of those that were asked for; null where nobody has. */
  readonly edited_input: unknown;
  readonly edited_input_hash: string | null;
  /** The log, and the epoch that the executor held when it asked. */
  readonly generation: string;
  readonly epoch: number;
  /** Why it cannot be decided; null where it can. */
  readonly problem: string | null;
}

/** A standing approval, as it is shown. */
export interface StandingRecord {
  readonly id: string;
  readonly action: string;
  readonly agent_id: string;
  readonly run_id: string | null;
  readonly match: Readonly<Record<string, unknown>> | null;
  readonly times: number;
  readonly used: number;
  readonly until: string;
  readonly allowed_by: string;
  readonly allowed_at: string;
  readonly notes: string | null;
  readonly epoch: number;
}

/** Whom a request names: what a restriction of any of these would have stopped. */
const subjectOf = (request: KeptApproval): Subject => ({
  action: request.action,
  agentId: request.agent_id,
  runId: request.run_id ?? undefined,
  missionId: request.mission_id ?? undefined,
  lineageAgents: request.lineage_agents,
  lineageMissions: request.lineage_missions,
  lineageRuns: request.lineage_runs,
  surface: request.surface ?? undefined,
  feature: request.feature ?? undefined,
});

const callOf = (request: KeptApproval): ApprovalCall => ({
  subject: subjectOf(request),
  inputHash: request.input_hash,
  limits: request.limits,
});

interface Standing {
  readonly status: ApprovalStatus;
  readonly why: string | null;
}

/** What has become of a request, by who has claimed it, what was decided, and what has happened since. */
export function statusOf(
  { end }: Pick<ReportedApproval, 'end'>,
  request: KeptApproval,
  entry: Entry<'approval'> | undefined,
  facts: ApprovalFacts,
): Standing {
  if (end === 'used' || end === 'cancelled') return { status: end, why: null };
  if (entry?.status === 'rejected') return { status: 'rejected', why: null };
  if (end === 'expired') return { status: 'expired', why: null };
  const over = endOfRequest(entry?.request ?? boundBy(request), callOf(request), facts);
  if (over?.status === 'expired') return { status: 'expired', why: null };
  if (over) return { status: 'cancelled', why: over.why };
  return { status: entry?.status === 'approved' ? 'approved' : 'pending', why: null };
}

/** The JSON value of a text; the text itself where it was cut. */
function valueOf(text: string, isCut: boolean): unknown {
  try {
    return isCut ? text : JSON.parse(text);
  } catch {
    return text;
  }
}

/** A request as it is shown; null where it cannot be read. */
export function approvalRecord(
  reported: ReportedApproval,
  entry: Entry<'approval'> | undefined,
  facts: ApprovalFacts,
): ApprovalRecord | null {
  const { request, writer, problem } = reported;
  if (!request) return null;
  const input_cut = request.input_length > request.input.length;
  return {
    id: request.id,
    ...statusOf(reported, request, entry, facts),
    action: request.action,
    input: valueOf(request.input, input_cut),
    input_cut,
    input_length: request.input_length,
    input_hash: request.input_hash,
    description: request.description,
    agent_id: request.agent_id,
    run_id: request.run_id,
    mission_id: request.mission_id,
    lineage_agents: request.lineage_agents,
    lineage_missions: request.lineage_missions,
    lineage_runs: request.lineage_runs,
    surface: request.surface,
    feature: request.feature,
    cost_usd: request.cost_usd,
    reversible: request.reversible,
    requested_by: request.requested_by,
    writer,
    requested_at: new Date(request.at_ms).toISOString(),
    expires_at: expiryOf(request),
    escalate_at: escalationOf(request),
    escalated: entry?.escalated ?? false,
    approvals_needed: request.approvals_needed,
    approvals_given: entry?.given.length ?? 0,
    decided_by: entry?.decided_by ?? null,
    decided_at: entry?.decided_at ?? null,
    decision_notes: entry?.notes ?? null,
    edited_input: entry?.edited ? valueOf(entry.edited.input, false) : null,
    edited_input_hash: entry?.edited?.input_hash ?? null,
    generation: request.generation,
    epoch: request.epoch,
    problem,
  };
}

const ORDER: Readonly<Record<ApprovalStatus, number>> = {
  pending: 0,
  approved: 1,
  rejected: 2,
  cancelled: 2,
  expired: 2,
  used: 2,
};

/** What waits for a person comes first; of these what cannot be undone, then what costs most, then the newest. */
export const byUrgency = (a: ApprovalRecord, b: ApprovalRecord): number =>
  ORDER[a.status] - ORDER[b.status] ||
  (a.status === 'pending' ? Number(a.reversible) - Number(b.reversible) || (b.cost_usd ?? 0) - (a.cost_usd ?? 0) : 0) ||
  (a.requested_at < b.requested_at ? 1 : a.requested_at > b.requested_at ? -1 : 0);
