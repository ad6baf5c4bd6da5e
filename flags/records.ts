import { z } from 'zod';
import { SPEND_TYPES } from './amounts.ts';
import { messageOf } from './errors.ts';
import { textProblem } from './ids.ts';
import { isJsonObject } from './json-object.ts';
import { isMode, MODES } from './modes.ts';
import { AUTONOMY_STAGES, FEATURE_STAGES } from './stages.ts';
import { readTarget } from './targets.ts';

/** The longest reason, in characters. */
export const MAX_REASON_LENGTH = 2000;

/**
 * A recorded id of an agent, mission, run, action, feature, surface, organization, limit or person: verbatim, 1 to 512
 * characters, no control characters.
 */
export const idSchema = z.string().superRefine((id, context) => {
  const problem = textProblem(id);
  if (problem) context.addIssue({ code: 'custom', message: problem });
});
/** One of the modes. */
export const modeSchema = z.enum(MODES);
/** How far a feature has come. */
export const featureStageSchema = z.enum(FEATURE_STAGES);
/** How closely people watch an action. */
export const autonomyStageSchema = z.enum(AUTONOMY_STAGES);
/** A moment in UTC, as ISO 8601 has it: `2026-01-31T08:00:00.000Z`. */
export const timeSchema = z.iso.datetime({ offset: false });
/** A SHA-256, in 64 hexadecimal digits. */
export const hashSchema = z.string().regex(/^[0-9a-f]{64}$/);
/**
 * The highest epoch. Far below the largest whole number that every language can count, so that a forged epoch never
 * leaves later kills without a number.
 */
export const MAX_EPOCH = 2 ** 48;
/** The number of a change, from 1 on. */
export const epochSchema = z.int().min(1).max(MAX_EPOCH);
/** The value of a limit. */
export const limitValueSchema = z.number().min(0);
/** What an operator has found out of an intent, by its id in the journal. */
export const resolvedSchema = z.strictObject({ intent: z.string(), landed: z.boolean(), at: z.string() });
/** What an operator has found out of an intent. */
export type Resolved = z.infer<typeof resolvedSchema>;
/** A target as people write it: `all`, `agent:ID`, `action:mail.*`. */
export const targetSchema = z.string().superRefine((text, context) => {
  try {
    readTarget(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) });
  }
});

/**
 * Where a log stands: which log (`generation`), how far (`epoch`), and exactly which one (`hash`). `recovered`: this
 * generation began with a `recover`.
 */
export const headSchema = z.strictObject({
  generation: z.string().min(1).max(100),
  epoch: epochSchema,
  hash: hashSchema,
  recovered: z.boolean(),
});
/** What {@link headSchema} accepts. */
export type Head = z.infer<typeof headSchema>;

/**
 * The last head that an executor saw, and every generation that it has accepted: by these it recognises a restored
 * backup. `organization_id` and `first_generation` name the control plane; anchors of older versions lack them.
 */
export const anchorSchema = z.strictObject({
  head: headSchema,
  generations: z.array(z.string()),
  organization_id: z.string().optional(),
  first_generation: z.string().optional(),
});
/** What {@link anchorSchema} accepts. */
export type Anchor = z.infer<typeof anchorSchema>;

/**
 * A JSON object whose members others name, as it was written: a record of zod's leaves out a member `__proto__`, and
 * who has it would then be somebody without it. So such a member is refused.
 */
export const membersSchema = z.custom<Record<string, unknown>>(
  (value) => isJsonObject(value) && !Object.hasOwn(value, '__proto__'),
);

/** Who did something, as the log has it: `unverified:dana`, `token:dana`, `system`. */
export const actorSchema = z.string().min(1);

/** One operator change of this version. `data` is checked by the row of its type in the fold. */
export const logEventSchema = z.strictObject({
  seq: epochSchema,
  at: timeSchema,
  actor: actorSchema,
  type: z.string().min(1),
  data: membersSchema,
  reason: z.string().max(MAX_REASON_LENGTH).nullable(),
  prev: hashSchema,
  hash: hashSchema,
});
/** One change, as the log has it. */
export interface LogEvent extends z.infer<typeof logEventSchema> {
  /** What of it this version does not know, for a sentence: then it cannot be folded. Absent where it knows all. */
  readonly unknown?: string;
}

/** An event of this version, from outside. @throws ZodError */
export const parseEvent = (value: unknown): LogEvent => (isEvent(value) ? value : logEventSchema.parse(value));

const EVENT_MEMBERS = Object.keys(logEventSchema.shape).length;
const HASH = /^[0-9a-f]{64}$/;
const TIME = z.regexes.datetime({ offset: false }); // as in timeSchema

const isTime = (value: unknown): boolean => typeof value === 'string' && TIME.test(value);

const isEpoch = (value: unknown): boolean =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= MAX_EPOCH;

/**
 * The schema's check by hand, for speed: a log of 100,000 events is read before anything may act. The schema judges
 * whatever fails here.
 */
function isEvent(value: unknown): value is LogEvent {
  if (!isJsonObject(value)) return false;
  const { seq, at, actor, type, data, reason, prev, hash } = value;
  return (
    isEpoch(seq) &&
    isTime(at) &&
    typeof actor === 'string' &&
    actor !== '' &&
    typeof type === 'string' &&
    type !== '' &&
    typeof data === 'object' &&
    data !== null &&
    Object.getPrototypeOf(data) === Object.prototype &&
    (reason === null || (typeof reason === 'string' && reason.length <= MAX_REASON_LENGTH)) &&
    typeof prev === 'string' &&
    HASH.test(prev) &&
    typeof hash === 'string' &&
    HASH.test(hash) &&
    Object.keys(value).length === EVENT_MEMBERS
  );
}

/**
 * The last change of an entry, a seconding included. `epoch` is its number: whoever loosens must have read it. `by` and
 * `at` say who made it and when, by the store's clock: a second person and a dwell are judged by these.
 */
export const lastChangeSchema = z.strictObject({ epoch: epochSchema, by: actorSchema, at: timeSchema });
/** What {@link lastChangeSchema} accepts. */
export type LastChange = z.infer<typeof lastChangeSchema>;

/** How many people one entry names who have restricted it, the last ones. */
export const MOST_RESTRICTERS = 50;
/**
 * Whoever has restricted an entry since it was whole, once each, the last one last: where somebody else restricts it
 * further, they stay among those who have.
 */
export const restrictersSchema = z.array(actorSchema).max(MOST_RESTRICTERS);

/** Why a budget or a tripwire has stopped something, as decisions say it. Amounts as people write them. */
export const stopCauseSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('budget'),
    scope: z.string(),
    type: z.enum(SPEND_TYPES),
    spent: z.number().min(0),
    limit: z.number().min(0),
  }),
  z.strictObject({
    kind: z.literal('tripwire'),
    name: z.string(),
    value: z.number().min(0),
    limit: z.number().min(0),
  }),
]);
/** What {@link stopCauseSchema} accepts. */
export type StopCause = z.infer<typeof stopCauseSchema>;

/**
 * A kill as the state holds it. `killed_by` is the last who made the kill, or made it stricter or longer; `by` may only
 * have seconded it.
 */
export const activeKillSchema = z.strictObject({
  id: z.string().min(1),
  target: targetSchema,
  mode: modeSchema,
  reason: z.string().nullable(),
  killed_by: z.string(),
  killed_at: timeSchema,
  expires_at: timeSchema.nullable(),
  ...lastChangeSchema.shape,
  /**
   * What budgets and tripwires had counted when they stopped this target, as scopes: once it is lifted they count anew.
   * Absent where only people have killed it.
   */
  counted: z.array(z.string()).optional(),
  /** Why it was stopped; present where `killed_by` is a budget or a tripwire. */
  cause: stopCauseSchema.optional(),
  /** When it was last made looser by a step; absent where it never was, or was made stricter since. */
  loosened_at: timeSchema.optional(),
  /** The drill that has stopped it, while nobody else has touched it since. */
  drill_id: z.string().min(1).max(100).optional(),
  /** Who has restricted it before `killed_by`; absent where nobody else has. */
  restricted_by: restrictersSchema.optional(),
  /**
   * What was there when the target was killed and could not be read then, as it was stored. It may be stricter in what
   * this version does not know, so such a kill is only added to (`killToAddTo`), and otherwise refused as unknown.
   */
  set_aside: z.unknown().optional(),
});
/** What {@link activeKillSchema} accepts. */
export type ActiveKill = z.infer<typeof activeKillSchema>;

/** How many members every kill has. */
const KILL_MEMBERS = Object.values(activeKillSchema.shape).filter(
  (member) => !(member instanceof z.ZodOptional),
).length;

/**
 * The schema's check by hand, for speed: 100,000 kills are loaded before anything may act. The schema judges whatever
 * fails here.
 */
export function isActiveKill(value: unknown): value is ActiveKill {
  if (!isJsonObject(value)) return false;
  const { id, target, mode, reason, killed_by, killed_at, expires_at, epoch, by, at } = value;
  return (
    typeof id === 'string' &&
    id !== '' &&
    isTarget(target) &&
    isMode(mode) &&
    (reason === null || typeof reason === 'string') &&
    typeof killed_by === 'string' &&
    isTime(killed_at) &&
    (expires_at === null || isTime(expires_at)) &&
    isEpoch(epoch) &&
    typeof by === 'string' &&
    by !== '' &&
    isTime(at) &&
    Object.keys(value).length === KILL_MEMBERS
  );
}

function isTarget(value: unknown): boolean {
  try {
    readTarget(value);
    return true;
  } catch {
    return false; // the schema says why
  }
}

/** A kill as it is shown and answered (CONTRACT: kill record). */
export interface KillRecord {
  readonly id: string;
  readonly organization_id: string;
  readonly target: string;
  readonly target_type: string;
  readonly target_id: string;
  readonly mode: ActiveKill['mode'];
  readonly reason: string | null;
  readonly is_active: boolean;
  readonly killed_by: string;
  readonly killed_at: string;
  readonly expires_at: string | null;
  readonly revived_by: string | null;
  readonly revived_at: string | null;
  readonly revive_reason: string | null;
  /** Its end has passed by the store's clock, and it holds until an operating process ends it; absent otherwise. */
  readonly overdue?: true | undefined;
  /** The drill that has stopped it, while nobody else has touched it since; absent otherwise. */
  readonly drill_id?: string | undefined;
}

/** The record of a kill; `revived` when it has just ended. */
export function killRecord(
  organizationId: string,
  kill: ActiveKill,
  revived?: { by: string; at: string; reason: string | null },
): KillRecord {
  const { type, id } = readTarget(kill.target);
  return {
    id: kill.id,
    organization_id: organizationId,
    target: kill.target,
    target_type: type,
    target_id: id,
    mode: kill.mode,
    reason: kill.reason,
    is_active: revived === undefined,
    killed_by: kill.killed_by,
    killed_at: kill.killed_at,
    expires_at: kill.expires_at,
    revived_by: revived?.by ?? null,
    revived_at: revived?.at ?? null,
    revive_reason: revived?.reason ?? null,
    ...(kill.drill_id !== undefined && { drill_id: kill.drill_id }),
  };
}
