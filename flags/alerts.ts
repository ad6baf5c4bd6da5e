import { z } from 'zod';
import { deepFreeze } from './freeze.ts';
import { actorSchema, epochSchema, idSchema, timeSchema } from './records.ts';

/** What people can be told of, each with what it is, to end a sentence that begins with "told of". One row a kind. */
export const ALERT_KINDS = deepFreeze({
  kill: 'what somebody stops or restricts',
  revive: 'what is given back, also by the end of its time, or alone in an emergency (break glass)',
  change:
    'what else is changed of what agents may do: the base mode, features, limits, autonomy, rules, budgets, tripwires, standing approvals, governance, alerts, schedules of drills, the archive of the log',
  request: 'what waits for a second person, and what was tried and refused',
  budget: 'budgets that have tripped, or have come to the share at which they warn',
  tripwire: 'tripwires that have tripped',
  approval: 'calls that wait for a person',
  escalation: 'calls that still wait, after a while',
  executor_silent: 'executors that are heard no more',
  store_fault: 'a store that does not answer, or may lose what it has acknowledged',
  fork: 'changes that the store has lost, and what was recovered',
  drill: 'drills',
  drill_overdue: 'drills that are overdue',
});

/** One of the kinds of {@link ALERT_KINDS}. */
export type AlertKind = keyof typeof ALERT_KINDS;

const isAlertKindText = (text: string): text is AlertKind => Object.hasOwn(ALERT_KINDS, text);

/** True for one of {@link ALERT_KINDS}. */
export const isAlertKind = (value: unknown): value is AlertKind => typeof value === 'string' && isAlertKindText(value);

/** All kinds, in the order of the table. */
export const ALERT_EVENTS: readonly AlertKind[] = Object.freeze(Object.keys(ALERT_KINDS).filter(isAlertKind));

/** How an alert is written: as Standard Webhooks have it, or for a channel of Slack or Teams. */
export const ALERT_FORMATS = Object.freeze(['webhook', 'slack', 'teams'] as const);

/** One of {@link ALERT_FORMATS}. */
export type AlertFormat = (typeof ALERT_FORMATS)[number];

/** How many targets one switch has at most. */
export const MOST_ALERTS = 50;

/**
 * Where alerts go. Everybody who reads the log reads it, so it has no secret: the address and the key of the signature
 * are kept apart, under this id.
 */
export const alertDefinitionSchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f-]{36}$/),
  /** `url` with the server's address alone, or `exec` with the program's name alone. */
  via: z.enum(['url', 'exec']),
  to: z.string().min(1).max(300),
  events: z.array(z.enum(ALERT_EVENTS)).min(1).max(ALERT_EVENTS.length),
  format: z.enum(ALERT_FORMATS),
  /** True: also to an address of a private network. */
  allow_private: z.boolean(),
});

/** Where alerts go, without what is secret of it. */
export interface AlertDefinition extends z.infer<typeof alertDefinitionSchema> {}

/** A target, as the state has it. */
export const alertTargetSchema = z.strictObject({
  ...alertDefinitionSchema.shape,
  name: idSchema,
  /** The epoch at which it was added: what came later is told. */
  since: epochSchema,
  added_by: actorSchema,
  added_at: timeSchema,
  /** How many alerts were given up because they could not be delivered, and the last of them; absent: none. */
  given_up: z.strictObject({ count: z.int().min(1), last: z.string().min(1).max(200), at: timeSchema }).optional(),
});

/** A target, as the state has it. */
export interface AlertTarget extends z.infer<typeof alertTargetSchema> {}
