import { z } from 'zod';
import {
  type Drill,
  type DrillReport,
  drillMembers,
  drillReportSchema,
  drillSchema,
  drillTerms,
  MOST_DRILLS,
  MOST_SCHEDULES,
  NO_DRILLS,
  scheduleMembers,
} from '../drills.ts';
import type { StateView } from '../entries.ts';
import { timeSchema } from '../records.ts';
import { changedBy, type EventFacts, type Folded, NOTHING, row, set } from './row.ts';

const drillsOf = (view: StateView) => view.get('drills') ?? NO_DRILLS;

/** One that says nothing more when the next begins has been abandoned. */
const givenUp = (drill: Drill, event: EventFacts): Drill =>
  drill.state === 'running' ? { ...drill, state: 'abandoned', ended_at: event.at } : drill;

function summary(report: DrillReport): Pick<Drill, 'executors' | 'slowest_ms' | 'late_starts' | 'findings'> {
  const { executors, more_executors, findings } = report;
  const times = executors.map(({ acknowledged_ms }) => acknowledged_ms);
  return {
    executors: executors.length + more_executors,
    slowest_ms: times.length === 0 || times.includes(null) ? null : Math.max(...times.map(Number)),
    late_starts: executors.reduce((sum, { late_starts }) => sum + late_starts, 0),
    findings: findings.length,
  };
}

/**
 * A drill begins (`begins`), goes on to its next step, or comes to its end (`report`). `until`: when it counts as
 * abandoned unless it says more; `due`: the time of its schedule that it is run for.
 */
export const drill = row(
  {
    id: drillSchema.shape.id,
    kind: drillMembers.kind,
    target: drillMembers.target,
    state: z.enum(['running', 'passed', 'failed']),
    step: drillSchema.shape.step,
    until: timeSchema,
    begins: z.strictObject({ ...drillTerms, due: timeSchema.nullable() }).optional(),
    report: drillReportSchema.optional(),
  },
  (view, { id, kind, target, state, step, until, begins, report }, event): Folded => {
    const before = drillsOf(view);
    if (begins) {
      const { due, ...about } = begins;
      const begun: Drill = {
        ...{
          id,
          kind,
          target,
          ...about,
          state,
          step,
          until,
          asked_by: event.actor,
          asked_at: event.at,
          ended_at: null,
        },
        ...{ report: null, executors: 0, slowest_ms: null, late_starts: 0, findings: 0, ...changedBy(event) },
      };
      const last = [...before.last.map((each) => givenUp(each, event)), begun].slice(-MOST_DRILLS);
      const schedules = before.schedules.map((each) =>
        each.name === about.schedule && due !== null ? { ...each, taken: due } : each,
      );
      return {
        patch: set('drills', undefined, { ...before, last, schedules, ...changedBy(event) }),
        direction: 'neutral',
      };
    }
    const found = before.last.find((each) => each.id === id);
    if (!found) return { patch: NOTHING, direction: 'neutral' };
    const isOver = state !== 'running';
    const now: Drill = {
      ...{ ...found, state, step, until, ...changedBy(event) },
      ...(isOver && { ended_at: event.at }),
      ...(report && { ...summary(report), report: event.seq }),
    };
    const last = before.last.map((each) => (each.id === id ? now : each));
    const passed_at = state === 'passed' ? { ...before.passed_at, [found.kind]: event.at } : before.passed_at;
    return {
      patch: set('drills', undefined, { ...before, last, passed_at, ...changedBy(event) }),
      direction: 'neutral',
    };
  },
);

/** `schedule` null: that schedule is removed. */
export const drill_schedule = row(
  { name: scheduleMembers.name, schedule: z.strictObject(scheduleMembers).nullable() },
  (view, { name, schedule }, event) => {
    const before = drillsOf(view);
    const others = before.schedules.filter((each) => each.name !== name);
    const schedules = schedule ? [...others, { ...schedule, taken: null, ...changedBy(event) }] : others;
    return {
      patch: set('drills', undefined, {
        ...{ ...before, schedules: schedules.slice(-MOST_SCHEDULES), ...changedBy(event) },
      }),
      direction: 'neutral',
    };
  },
);
