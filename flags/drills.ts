import { z } from 'zod';
import { deepFreeze } from './freeze.ts';
import { actorSchema, epochSchema, idSchema, lastChangeSchema, targetSchema, timeSchema } from './records.ts';
import { performerSchema } from './rollbacks.ts';
import { readTarget } from './targets.ts';

/** What is exercised. */
export const DRILL_KINDS = Object.freeze(['stop', 'scoped', 'rollback', 'partition', 'exfiltration'] as const);
/** One of {@link DRILL_KINDS}. */
export type DrillKind = (typeof DRILL_KINDS)[number];

/** `abandoned`: its process has ended, or could not go on, before it had come to an end. */
export const DRILL_STATES = Object.freeze(['running', 'passed', 'failed', 'abandoned'] as const);
/** One of {@link DRILL_STATES}. */
export type DrillState = (typeof DRILL_STATES)[number];

/** How far a drill has come: work is watched, taken away, what it has done is undone, authority is given back. */
export const DRILL_STEPS = Object.freeze(['baseline', 'press', 'roll_back', 'restore'] as const);
/** One of {@link DRILL_STEPS}. */
export type DrillStep = (typeof DRILL_STEPS)[number];

/** The actions that executors have by themselves. Only a drill of the log performs them. */
export const CANARY = Object.freeze({
  act: 'kill-switch.canary',
  undo: 'kill-switch.canary.undo',
  send: 'kill-switch.canary.send',
} as const);

/** True for the name of an action that is no application's. */
export const isCanary = (action: string | null | undefined): boolean =>
  action === CANARY.act || action?.startsWith(`${CANARY.act}.`) === true;

/** The run in which a drill's own work is done. */
export const drillRun = (id: string): string => `drill-${id}`;

/** Why a drill stops something, in the words of its kill. */
export const drillReason = (id: string): string => `drill ${id}`;

/** How long executors have to obey, in milliseconds. */
export const DRILL_WINDOW_MS = deepFreeze({ least: 100, most: 600_000, byDefault: 5000 });

/** For how long an executor is cut off at most, and how much longer than its lease, in milliseconds. */
const [MOST_CUT_MS, CUT_BEYOND_MS] = [60_000, 1500];

/** The longest lease of an executor that can be cut off for longer, in milliseconds. */
export const MOST_CUT_LEASE_MS: number = MOST_CUT_MS - CUT_BEYOND_MS;

/** For how long an executor with that lease is cut off, in milliseconds. */
export const cutMs = (leaseMs: number): number => Math.min(leaseMs + CUT_BEYOND_MS, MOST_CUT_MS);

/** How many drills the state keeps, and how many executors and findings a report names. */
export const [MOST_DRILLS, MOST_DRILLED, MOST_FINDINGS] = [50, 500, 50];

const count = z.int().min(0);
const text = z.string().max(1000);

/** What a drill has measured of one executor. Times are by the store's clock, from when the stop was recorded. */
export const drilledSchema = z.strictObject({
  id: idSchema,
  name: idSchema,
  /** Null: it was not heard to have applied the stop. */
  acknowledged_ms: count.nullable(),
  /** Null: it was not heard to have come to rest. */
  drained_ms: count.nullable(),
  /** How many actions were seen to start there although they were stopped. */
  late_starts: count,
  /** How many calls it has refused because of the stop, as far as its records say. */
  refused: count,
});
/** What {@link drilledSchema} accepts. */
export type Drilled = z.infer<typeof drilledSchema>;

/** What a drill has found out, as the log keeps it. */
export const drillReportSchema = z.strictObject({
  executors: z.array(drilledSchema).max(MOST_DRILLED),
  /** How many executors more there were than are named. */
  more_executors: count,
  /** What was at work before the stop: actions started, in flight, and other calls that were answered. */
  baseline: z.strictObject({ starts: count, in_flight: count, interventions: count, canary: count }),
  /** What the drill did itself, and what of that is undone again; null: it did nothing. */
  canary: z.strictObject({ executor: idSchema, landed: count, refused: count, reversed: count }).nullable(),
  /** Each phase, with when it began, in milliseconds from the drill's beginning, and how long it took. */
  phases: z.array(z.strictObject({ name: z.string().max(100), at_ms: count, ms: count })).max(20),
  /** When the stop was recorded, in milliseconds from the drill's beginning; null: nothing was stopped. */
  pressed_ms: count.nullable(),
  /** How long after the stop was lifted all had applied that; null: it was not lifted, or not all have. */
  restored_ms: count.nullable(),
  /** By how much the times of executors without the store's stamp may be wrong, in milliseconds. */
  error_ms: count,
  /** What it has stopped, and left stopped. */
  stands: z.array(targetSchema).max(10),
  /** What has failed. */
  findings: z.array(text).max(MOST_FINDINGS),
  /** What else is to be said. */
  notes: z.array(text).max(MOST_FINDINGS),
});
/** What {@link drillReportSchema} accepts. */
export type DrillReport = z.infer<typeof drillReportSchema>;

/** What a drill is from its beginning on, beside its kind and its target. */
export const drillTerms = Object.freeze({
  window_ms: z.int().min(DRILL_WINDOW_MS.least).max(DRILL_WINDOW_MS.most),
  /** The executor that does the drill's own work; null: none does. */
  performer: performerSchema.nullable(),
  /** Whom the drill tries to send something to; null: nobody. */
  recipient: z.string().min(1).max(200).nullable(),
  /** The schedule that has begun it; null: a person. */
  schedule: idSchema.nullable(),
});

/** What a drill is. */
export const drillMembers = Object.freeze({ kind: z.enum(DRILL_KINDS), target: targetSchema, ...drillTerms });

/** A drill as the state has it. */
export const drillSchema = z.strictObject({
  id: z.string().min(1).max(100),
  ...drillMembers,
  state: z.enum(DRILL_STATES),
  step: z.enum(DRILL_STEPS),
  asked_by: actorSchema,
  asked_at: timeSchema,
  /** When it counts as abandoned, by the store's clock, unless it says meanwhile that it goes on. */
  until: timeSchema,
  ended_at: timeSchema.nullable(),
  /** The event with its report; null: it has none. */
  report: epochSchema.nullable(),
  /** How many executors there were, and how long the slowest took to acknowledge; null: not all did. */
  executors: count,
  slowest_ms: count.nullable(),
  late_starts: count,
  findings: count,
  ...lastChangeSchema.shape,
});
/** What {@link drillSchema} accepts. */
export type Drill = z.infer<typeof drillSchema>;

/** How many schedules there may be. */
export const MOST_SCHEDULES = 20;

/** A drill that comes back, as it is set. */
export const scheduleMembers = Object.freeze({
  name: idSchema,
  ...{ kind: drillMembers.kind, target: targetSchema.nullable(), window_ms: drillMembers.window_ms },
  recipient: drillMembers.recipient,
  /** When it is due: `Mon 10:00 Europe/Berlin`. */
  words: z.string().min(1).max(200),
  /** The longest time from one to the next, in milliseconds. */
  period_ms: z.int().min(1),
});

/** A drill that comes back, as the state has it. */
export const scheduleSchema = z.strictObject({
  ...scheduleMembers,
  /** The time for which it was last run; null: for none yet. */
  taken: timeSchema.nullable(),
  ...lastChangeSchema.shape,
});
/** What {@link scheduleSchema} accepts. */
export type DrillSchedule = z.infer<typeof scheduleSchema>;

/** All that the state knows of drills. */
export const drillsMembers = Object.freeze({
  /** The last ones, the oldest first. */
  last: z.array(drillSchema),
  /** When a drill of that kind was last passed. */
  passed_at: z.partialRecord(z.enum(DRILL_KINDS), timeSchema),
  schedules: z.array(scheduleSchema),
});
/** All that the state knows of drills. */
export type Drills = z.infer<z.ZodObject<typeof drillsMembers>>;

/** Where there has been none. */
export const NO_DRILLS: Drills = deepFreeze({ last: [], passed_at: {}, schedules: [] });

/** How it stands with a drill at a moment: one that says nothing more has been abandoned. */
export const drillStateAt = ({ state, until }: Pick<Drill, 'state' | 'until'>, now: string): DrillState =>
  state === 'running' && until <= now ? 'abandoned' : state;

/** The agent of a drill that names none. */
const DRILL_AGENT = 'kill-switch.drill';

/** Who does a drill's own work: whoever is drilled, so that what stops them stops that. */
export function drillWorker({ id, target }: Pick<Drill, 'id' | 'target'>): {
  readonly agentId: string;
  readonly missionId: string | undefined;
  readonly runId: string;
  readonly lineageRuns: readonly string[];
} {
  const { type, id: named } = readTarget(target);
  const runId = drillRun(id);
  return {
    agentId: type === 'agent' ? named : DRILL_AGENT,
    missionId: type === 'mission' ? named : undefined,
    runId,
    lineageRuns: type === 'run' && named !== runId ? [named] : [],
  };
}

/** The drill that is under way; undefined where none is. */
export const runningDrill = ({ last }: Pick<Drills, 'last'>, now: string): Drill | undefined =>
  last.findLast((each) => drillStateAt(each, now) === 'running');

/** How much later than due a scheduled drill may be passed, in milliseconds. */
const GRACE_MS = 86_400_000;

const isOlder = (since: string, ms: number, now: string): boolean => Date.parse(now) - Date.parse(since) > ms;

/** True where no drill of a schedule's kind was passed for longer than from one to the next, and a day. */
export const isScheduleOverdue = (
  { kind, at, period_ms }: DrillSchedule,
  { passed_at }: Pick<Drills, 'passed_at'>,
  now: string,
): boolean => {
  const passed = passed_at[kind];
  return isOlder(passed !== undefined && passed > at ? passed : at, period_ms + GRACE_MS, now);
};

/**
 * The kind of drill that governance asks for: the only one that shows that what runs does stop. The others exercise
 * what they have brought along.
 */
export const GOVERNED_KIND: DrillKind = 'stop';

/** A kind of drill that is overdue, and when one of it was passed last; null: none was. */
export interface OverdueDrill {
  readonly kind: DrillKind;
  readonly last_passed_at: string | null;
}

/** The drill that is overdue, by what giving authority back takes or by a schedule; null: none is. */
export function overdueDrill(drills: Drills, drillMs: number | null, now: string): OverdueDrill | null {
  const kind = lacksDrill(drills, drillMs, now)
    ? GOVERNED_KIND
    : drills.schedules.find((schedule) => isScheduleOverdue(schedule, drills, now))?.kind;
  return kind === undefined ? null : { kind, last_passed_at: drills.passed_at[kind] ?? null };
}

/** An overdue drill, as a sentence. */
export const overdueText = ({ kind, last_passed_at: last }: OverdueDrill): string =>
  `A drill of the kind ${kind} is overdue: ${last === null ? 'none was passed yet' : `the last one was passed at ${last}`}.`;

/** True where governance asks for a passed drill, and there is none so young. */
export function lacksDrill({ passed_at }: Pick<Drills, 'passed_at'>, drillMs: number | null, now: string): boolean {
  if (drillMs === null) return false;
  const passed = passed_at[GOVERNED_KIND];
  return passed === undefined || isOlder(passed, drillMs, now);
}
