import { z } from 'zod';
import { textProblem } from './ids.ts';
import { isJsonObject } from './json-object.ts';
import {
  actorSchema,
  epochSchema,
  hashSchema,
  idSchema,
  MAX_EPOCH,
  MAX_REASON_LENGTH,
  membersSchema,
  timeSchema,
} from './records.ts';

/** The longest input that an approver is shown, in characters of JSON. What is cut of a longer one is said. */
export const MAX_SHOWN_INPUT = 32_768;

/** The longest input that an approver can put in the place of the one that was asked for, in characters of JSON. */
export const MAX_EDITED_INPUT = 65_536;

/** The longest time for which anything is approved, in milliseconds: what was approved is kept until it is over. */
export const MAX_APPROVAL_MS = 30 * 86_400_000;

/** How often a standing approval can be used at most. */
export const MAX_STANDING_USES = 1000;

/** How many people can be asked for at most. */
export const MAX_APPROVERS = 10;

/** The id of a request or of a standing approval: 1 to 64 letters, digits, `-` and `_`. */
export const approvalIdSchema = z.string().regex(/^[\w-]{1,64}$/);

/** So many parents of each kind can be named. */
const MAX_LINEAGE = 1000;
const lineage = z.array(idSchema).max(MAX_LINEAGE);

/** Whom a held call names, what it is about, and the hash of its whole input: what makes it this call. */
const callMembers = {
  id: approvalIdSchema,
  action: idSchema,
  /** SHA-256 of the canonical input, in hex: of the whole, not of what is shown. */
  input_hash: hashSchema,
  agent_id: idSchema,
  run_id: idSchema.nullable(),
  mission_id: idSchema.nullable(),
  /** The name of the executor that asked. */
  requested_by: idSchema,
  /** The head of the log that the executor held when it asked: a restriction after that cancels the request. */
  generation: z.string().min(1).max(100),
  epoch: epochSchema,
  head_hash: hashSchema,
  approvals_needed: z.int().min(1).max(MAX_APPROVERS),
  /** What else a restriction may name of it: what restricts any of these ends it, whoever comes to use it. */
  lineage_agents: lineage,
  lineage_missions: lineage,
  lineage_runs: lineage,
  surface: idSchema.nullable(),
  feature: idSchema.nullable(),
  /** The names of the action's limits: lowering one of them ends it. */
  limits: lineage,
};

/**
 * What a decision is bound to. It stands in the log, as the approver was shown it: whatever becomes of the request that
 * its executor keeps, only this call is approved.
 */
export const boundRequestSchema = z.strictObject({ ...callMembers, expires_at: timeSchema });
/** What {@link boundRequestSchema} accepts. */
export type BoundRequest = z.infer<typeof boundRequestSchema>;

/** What an executor asks for. Times count from when the store was asked. */
export const askedApprovalSchema = z.strictObject({
  ...callMembers,
  /** The input as JSON, without secrets; its beginning where it is longer than {@link MAX_SHOWN_INPUT}. */
  input: z.string().max(MAX_SHOWN_INPUT),
  /** How many characters the whole of it has. */
  input_length: z.int().min(0),
  /** What the action says that it will do; the agent may have had a hand in it. */
  description: z.string().max(MAX_REASON_LENGTH).nullable(),
  cost_usd: z.number().min(0).nullable(),
  reversible: z.boolean(),
  expires_ms: z.int().min(1).max(MAX_APPROVAL_MS),
  escalate_ms: z.int().min(1).max(MAX_APPROVAL_MS).nullable(),
});
/** What {@link askedApprovalSchema} accepts. */
export type AskedApproval = z.infer<typeof askedApprovalSchema>;

/** The latest time from which an expiry can still be counted, in milliseconds since 1970. */
const MAX_TIME_MS = 250_000_000_000_000;

/** A request as it is kept: with the time at which the store was asked, by its clock, in milliseconds since 1970. */
export const keptApprovalSchema = askedApprovalSchema.extend({ at_ms: z.int().min(0).max(MAX_TIME_MS) });
/** What {@link keptApprovalSchema} accepts. */
export type KeptApproval = z.infer<typeof keptApprovalSchema>;

const KEPT_MEMBERS = Object.keys(keptApprovalSchema.shape).length;
const HASH = /^[0-9a-f]{64}$/;
const APPROVAL_ID = /^[\w-]{1,64}$/;

const isId = (value: unknown): boolean => textProblem(value) === null;
const isIdOrNull = (value: unknown): boolean => value === null || isId(value);
const isIds = (value: unknown): boolean => Array.isArray(value) && value.length <= MAX_LINEAGE && value.every(isId);
const isHash = (value: unknown): boolean => typeof value === 'string' && HASH.test(value);
const isWhole = (value: unknown, least: number, most: number): boolean =>
  Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
const isText = (value: unknown, most: number): boolean => typeof value === 'string' && value.length <= most;

/**
 * The schema's check by hand, for speed: ten thousand requests are read for one list. The schema judges whatever fails
 * here.
 */
export function isKeptApproval(value: unknown): value is KeptApproval {
  if (!isJsonObject(value) || Object.keys(value).length !== KEPT_MEMBERS) return false;
  const { id, action, agent_id, run_id, mission_id, requested_by, surface, feature } = value;
  const { input_hash, head_hash, generation, epoch, approvals_needed, input, input_length, description } = value;
  const { lineage_agents, lineage_missions, lineage_runs, limits, cost_usd, reversible } = value;
  const { expires_ms, escalate_ms, at_ms } = value;
  return (
    typeof id === 'string' &&
    APPROVAL_ID.test(id) &&
    [action, agent_id, requested_by].every(isId) &&
    [run_id, mission_id, surface, feature].every(isIdOrNull) &&
    isHash(input_hash) &&
    isHash(head_hash) &&
    isText(generation, 100) &&
    generation !== '' &&
    isWhole(epoch, 1, MAX_EPOCH) &&
    isWhole(approvals_needed, 1, MAX_APPROVERS) &&
    isText(input, MAX_SHOWN_INPUT) &&
    isWhole(input_length, 0, Number.MAX_SAFE_INTEGER) &&
    (description === null || isText(description, MAX_REASON_LENGTH)) &&
    [lineage_agents, lineage_missions, lineage_runs, limits].every(isIds) &&
    (cost_usd === null || (Number.isFinite(cost_usd) && Number(cost_usd) >= 0)) &&
    typeof reversible === 'boolean' &&
    isWhole(expires_ms, 1, MAX_APPROVAL_MS) &&
    (escalate_ms === null || isWhole(escalate_ms, 1, MAX_APPROVAL_MS)) &&
    isWhole(at_ms, 0, MAX_TIME_MS)
  );
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** When it expires, RFC 3339 UTC. */
export const expiryOf = ({ at_ms, expires_ms }: Pick<KeptApproval, 'at_ms' | 'expires_ms'>): string =>
  iso(at_ms + expires_ms);

/** When it is told again where nobody has answered; null: never. */
export const escalationOf = ({ at_ms, escalate_ms }: Pick<KeptApproval, 'at_ms' | 'escalate_ms'>): string | null =>
  escalate_ms === null ? null : iso(at_ms + escalate_ms);

/** What a decision on this request is bound to. */
export const boundBy = (kept: KeptApproval): BoundRequest => ({
  id: kept.id,
  action: kept.action,
  input_hash: kept.input_hash,
  agent_id: kept.agent_id,
  run_id: kept.run_id,
  mission_id: kept.mission_id,
  requested_by: kept.requested_by,
  generation: kept.generation,
  epoch: kept.epoch,
  head_hash: kept.head_hash,
  approvals_needed: kept.approvals_needed,
  lineage_agents: kept.lineage_agents,
  lineage_missions: kept.lineage_missions,
  lineage_runs: kept.lineage_runs,
  surface: kept.surface,
  feature: kept.feature,
  limits: kept.limits,
  expires_at: expiryOf(kept),
});

/** The arguments that an approver has put in the place of those that were asked for. */
export const editedInputSchema = z.strictObject({ input: z.string().max(MAX_EDITED_INPUT), input_hash: hashSchema });
/** What {@link editedInputSchema} accepts. */
export type EditedInput = z.infer<typeof editedInputSchema>;

/** The members of an entry for a decided (or escalated) request. */
export const approvalMembers = Object.freeze({
  status: z.enum(['pending', 'approved', 'rejected']),
  request: boundRequestSchema,
  /** Who has approved so far, and when. */
  given: z.array(z.strictObject({ by: actorSchema, at: timeSchema })).max(MAX_APPROVERS),
  edited: editedInputSchema.nullable(),
  /** Who has decided last, when, and what they have said. */
  decided_by: actorSchema.nullable(),
  decided_at: timeSchema.nullable(),
  notes: z.string().max(MAX_REASON_LENGTH).nullable(),
  /** True once it has been told again that nobody has answered. */
  escalated: z.boolean(),
});

/** The members of an entry for a standing approval. */
export const standingMembers = Object.freeze({
  id: approvalIdSchema,
  action: idSchema,
  agent_id: idSchema,
  /** Only in this run; null: in any. */
  run_id: idSchema.nullable(),
  /** Only for inputs that have these members with these values; null: for any. */
  match: membersSchema.nullable(),
  times: z.int().min(1).max(MAX_STANDING_USES),
  until: timeSchema,
  notes: z.string().max(MAX_REASON_LENGTH).nullable(),
});

/** The id under which one use of a standing approval is claimed; `use` counts from 1. */
export const standingUseId = (standingId: string, use: number): string => `${standingId}.${use}`;
