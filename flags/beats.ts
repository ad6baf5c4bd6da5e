import { z } from 'zod';
import { headSchema, idSchema, timeSchema } from './records.ts';

// What an executor says of itself and of what it has met. A report is no rule: members that only a newer version knows
// are passed over.

/** Judged as a whole, with one message: a beat that somebody forges may list a million things that are no names. */
const namesSchema = z.custom<string[]>(
  (value) => Array.isArray(value) && value.every((name) => typeof name === 'string'),
  'it is not a list of names',
);

/**
 * One action in flight, as its executor reports it: who does what, since when, and whether a stop has reached it.
 * Members are null where the action has none.
 */
export const workSchema = z.object({
  action: z.string().nullable(),
  effect: z.string(),
  agent_id: z.string().nullable(),
  mission_id: z.string().nullable(),
  run_id: z.string().nullable(),
  lineage_agents: namesSchema.optional(),
  lineage_missions: namesSchema.optional(),
  lineage_runs: namesSchema.optional(),
  surface: z.string().nullable(),
  feature: z.string().nullable(),
  /** When it began, by the executor's clock. */
  since: timeSchema,
  /** A restriction has reached it, so that it must end or wait. */
  draining: z.boolean(),
  /** When its signal fired, by the executor's clock; null where it did not (a pause fires none). */
  signalled_at: timeSchema.nullable(),
  /** Whether its code has ever read that signal: if not, it cannot heed it. */
  reads_signal: z.boolean(),
});
/** An action in flight, as its executor reports it. */
export type WorkRow = z.infer<typeof workSchema>;

/** How many actions in flight are read of one beat; this version names fewer. */
const MOST_WORK_READ = 1000;

/** Judged as a whole, as names are. */
const workRowsSchema = z.custom<WorkRow[]>(
  (value) =>
    Array.isArray(value) && value.length <= MOST_WORK_READ && value.every((row) => workSchema.safeParse(row).success),
  `it is not a list of at most ${MOST_WORK_READ} actions in flight`,
);

/** How often an agent has started an action, and when it last did, by the executor's clock. */
export const startSchema = z.object({
  agent_id: z.string().nullable(),
  action: z.string().nullable(),
  surface: z.string().nullable(),
  feature: z.string().nullable(),
  count: z.int().min(1),
  last_at: timeSchema,
});
/** What {@link startSchema} accepts. */
export type StartRow = z.infer<typeof startSchema>;

/** How many of them are read of one beat; this version names fewer. */
const MOST_STARTS_READ = 500;

/** Judged as a whole, as names are. */
const startRowsSchema = z.custom<StartRow[]>(
  (value) =>
    Array.isArray(value) &&
    value.length <= MOST_STARTS_READ &&
    value.every((row) => startSchema.safeParse(row).success),
  `it is not a list of at most ${MOST_STARTS_READ} actions that were started`,
);

/** A head as an executor reports it. A report is no rule, so members that only a newer version knows are ignored. */
const reportedHeadSchema = z.object(headSchema.shape);

/** What an executor says of a fork: the generation that contradicts it, and the head that it holds. */
export const forkReportSchema = z.object({ against: z.string(), held: reportedHeadSchema.nullable() });
/** What {@link forkReportSchema} accepts. */
export type ForkReport = z.infer<typeof forkReportSchema>;

/**
 * What an executor says about itself each time it confirms. `applied` is the head that it holds, also one that the
 * store lacks; null before its first load.
 */
export const beatSchema = z.object({
  id: idSchema,
  name: idSchema,
  host: z.string(),
  pid: z.int(),
  version: z.string(),
  started_at: timeSchema,
  at: timeSchema,
  lease_ms: z.int(),
  applied: reportedHeadSchema.nullable(),
  in_flight: z.int().min(0),
  /** How many of the actions in flight a restriction has reached, so that they must end or wait. */
  draining: z.int().min(0),
  /**
   * The actions in flight, those that drain first, as many as fit into a beat. Of what is not named here, a stop must
   * assume that it has reached it.
   */
  work: workRowsSchema.optional(),
  /**
   * What was started last, counted since this executor began or had too much to remember; what undoes something is not
   * counted. Absent in beats of older versions, and of what performs no actions: such an executor knows of no drills.
   */
  starts: startRowsSchema.optional(),
  /** The agents, missions and runs with open work here, as many as fit into a beat. */
  agents: namesSchema,
  missions: namesSchema.optional(),
  runs: namesSchema,
  /**
   * How many more agents, missions and runs there are than are named; absent where all are named. Where there are more,
   * a kill of any of them may reach this executor.
   */
  more_agents: z.int().min(1).optional(),
  more_missions: z.int().min(1).optional(),
  more_runs: z.int().min(1).optional(),
  fork: forkReportSchema.nullable(),
  /**
   * For an executor that writes a file for clients that cannot acknowledge: how long after a write they have obeyed, at
   * the latest. A write that has not landed counts as `draining`.
   */
  export: z.object({ file: z.string().max(4096), stops_within_ms: z.int().min(0) }).optional(),
  /** Whether it keeps its last head over restarts; absent in beats of older versions. */
  anchored: z.boolean().optional(),
  /** What keeps this executor from obeying. */
  trouble: z.string().max(1000).optional(),
});
/** What {@link beatSchema} accepts. */
export type Beat = z.infer<typeof beatSchema>;

/**
 * What an executor has met: who asked for what there. It outlives the executor by some days, so that whoever types a
 * name can be told that nobody has seen it. A report is no rule, so members that only a newer version knows are
 * ignored.
 */
export const seenSchema = z.object({
  at: timeSchema,
  /** The executor's name. */
  executor: idSchema,
  agent_id: idSchema.nullable(),
  mission_id: idSchema.nullable(),
  run_id: idSchema.nullable(),
  action: idSchema.nullable(),
  surface: idSchema.nullable(),
  feature: idSchema.nullable(),
  /** The agents, missions and runs of all parents; absent where there are none. */
  lineage_agents: namesSchema.optional(),
  lineage_missions: namesSchema.optional(),
  lineage_runs: namesSchema.optional(),
  /** The name of a number that the application has reported; absent for anything else. */
  report: idSchema.optional(),
});
/** What {@link seenSchema} accepts. */
export type Seen = z.infer<typeof seenSchema>;
