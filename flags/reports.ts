import { z } from 'zod';
import { epochSchema, hashSchema, modeSchema, timeSchema } from './records.ts';
import { EFFECTS, VERDICTS } from './modes.ts';

/** What kind of intervention it was, in the words that existing clients know. */
export const INTERVENTION_TYPES = Object.freeze([
  'HARD_BLOCK',
  'DOWNGRADE',
  'APPROVAL_REQUIRED',
  'RATE_LIMITED',
  'BUDGET_EXCEEDED',
  'WARNING',
] as const);

/** What an intervention came to. */
export const INTERVENTION_OUTCOMES = Object.freeze([
  'BLOCKED',
  'ESCALATED',
  'APPROVED_AFTER_REVIEW',
  'REJECTED_AFTER_REVIEW',
  'MODIFIED',
  'WARNED',
] as const);

/**
 * The record of a decision that was not `allow`; or, with the verdict `allow`, a notice of a write that people are told
 * of (`human_on_the_loop`). `input` is redacted and bounded; `cause` is the decision's, in
 * snake_case.
 */
export const interventionSchema = z.object({
  id: z.string().min(1),
  at: timeSchema,
  executor_id: z.string(),
  executor_name: z.string(),
  type: z.enum(INTERVENTION_TYPES),
  outcome: z.enum(INTERVENTION_OUTCOMES),
  verdict: z.enum(VERDICTS),
  /**
   * What became of the call (`redirected`, `drafted`, `held`, `paused`, `blocked`, `aborted`) or tick (`skipped`); of a
   * notice `started`.
   */
  status: z.string(),
  /** Where the attempt stood: `refused`, `not_started`, `waiting`, `drafted`, `executing`, `landed`, `unknown`. */
  state: z.string(),
  action: z.string().nullable(),
  effect: z.enum(EFFECTS),
  surface: z.string().nullable(),
  agent_id: z.string().nullable(),
  run_id: z.string().nullable(),
  mission_id: z.string().nullable(),
  mode: modeSchema,
  epoch: z.int().min(0),
  cause: z.record(z.string(), z.unknown()),
  input: z.unknown(),
  /** What the input was before it was redirected. */
  original_input: z.unknown().optional(),
  /** True: nothing was executed or drafted; a person may act on this. */
  proposal: z.boolean(),
  /** The feature that the action belongs to; absent where it belongs to none. */
  feature: z.string().optional(),
  /** The key by which a rollback knows a write that was let through. */
  idempotency_key: z.string().optional(),
  /** False: it is recorded, and nobody is told of it, since its action is `trusted`. */
  notifies: z.literal(false).optional(),
});
/** What {@link interventionSchema} accepts. */
export type Intervention = z.infer<typeof interventionSchema>;

/** What both records of a shadow run have. */
const ofShadow = {
  id: z.string().min(1),
  at: timeSchema,
  executor_id: z.string(),
  executor_name: z.string(),
  feature: z.string().min(1),
  action: z.string().min(1),
};

/**
 * What a write would have done while its feature is in shadow. `input` and `draft` are redacted and bounded;
 * `input_hash` is the SHA-256 of the whole input as canonical JSON, null for one that is no plain data. `proposal_id`:
 * the proposal that stands for the draft of an action without a draft handler.
 */
export const shadowRunSchema = z.object({
  kind: z.literal('shadow'),
  ...ofShadow,
  agent_id: z.string().nullable(),
  run_id: z.string().nullable(),
  mission_id: z.string().nullable(),
  epoch: z.int().min(0),
  input: z.unknown(),
  input_hash: hashSchema.nullable(),
  draft: z.unknown(),
  proposal_id: z.string().nullable(),
});
/** What {@link shadowRunSchema} accepts. */
export type ShadowRun = z.infer<typeof shadowRunSchema>;

/** What a person then did: the same as shadow would have done (`agreed`), or something else. */
export const outcomeSchema = z.object({
  kind: z.literal('outcome'),
  ...ofShadow,
  run_id: z.string().min(1),
  agreed: z.boolean(),
  note: z.string().nullable(),
});
/** What {@link outcomeSchema} accepts. */
export type ShadowOutcome = z.infer<typeof outcomeSchema>;

/** A record of the list of shadow runs and of their outcomes. */
export const shadowRecordSchema = z.discriminatedUnion('kind', [shadowRunSchema, outcomeSchema]);
/** What {@link shadowRecordSchema} accepts. */
export type ShadowRecord = ShadowRun | ShadowOutcome;

/** The state of a run, so that a new process can go on from there. */
export const checkpointSchema = z.object({
  run_id: z.string().min(1),
  name: z.string().min(1),
  state: z.unknown(),
  at: timeSchema,
  epoch: z.union([epochSchema, z.literal(0)]),
});
/** What {@link checkpointSchema} accepts. */
export type Checkpoint = z.infer<typeof checkpointSchema>;

/** One action that an executor can perform. */
export const surfaceSchema = z.object({
  action: z.string().min(1),
  effect: z.enum(EFFECTS),
  surface: z.string(),
  feature: z.string().nullable(),
  irreversible: z.boolean(),
  draft: z.boolean(),
  redirect: z.boolean(),
  reverse: z.boolean(),
  limits: z.array(z.string()),
  last_used: timeSchema.nullable(),
});
/** What {@link surfaceSchema} accepts. */
export type SurfaceRecord = z.infer<typeof surfaceSchema>;
