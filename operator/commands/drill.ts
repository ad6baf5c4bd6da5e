import {
  type Drill,
  type DrillReport,
  drillRun,
  type DrillSchedule,
  type DrillState,
  type DrillStep,
  type EntryPlace,
  MOST_SCHEDULES,
  NO_DRILLS,
  parseTarget,
  readTarget,
  runningDrill,
} from '../../flags/index.ts';
import type { GivenReason } from '../reason.ts';
import { type AskedRollback, rollback } from './rollback.ts';
import {
  type CommandRow,
  endAfter,
  event,
  type Loosening,
  type PlanView,
  refused,
  targetRefused,
  type Wish,
} from './row.ts';

// A drill is ungoverned: it gives back what it has stopped itself and nobody else has touched since, and nothing more.

/** How long a drill may say nothing before it counts as abandoned, in milliseconds, beside ten windows. */
const SILENT_MS = 60_000;

const untilOf = (window_ms: number, view: PlanView): string =>
  endAfter(SILENT_MS + 10 * window_ms, view.time) ?? view.time;

const drillsOf = (view: Pick<PlanView, 'get'>) => view.get('drills') ?? NO_DRILLS;

/** The drill of this id, where it is under way; else why not. */
function underWay(view: PlanView, id: string): { readonly drill: Drill } | { readonly wish: Wish } {
  const drill = runningDrill(drillsOf(view), view.time);
  if (drill?.id === id) return { drill };
  const known = drillsOf(view).last.some((each) => each.id === id);
  return { wish: refused(known ? { kind: 'drill_over', id } : { kind: 'no_drill', id }) };
}

/** What of a drill is its own, by its id. */
export interface OfDrill {
  readonly id: string;
}

type Begun = Pick<Drill, 'kind' | 'target' | 'window_ms' | 'performer' | 'recipient' | 'schedule'> & OfDrill;

/** Begins a drill. `due`: the time of its schedule. */
export const drill: CommandRow<Begun & { readonly due: string | null }> = {
  isUngoverned: true,
  changes: () => ['drills'],
  readsBeside: ({ target }): readonly EntryPlace[] => [['kill', target]],
  wish({ id, due, kind, target, window_ms, performer, recipient, schedule: name }, view) {
    const about = { window_ms, performer, recipient, schedule: name };
    const wrong = targetRefused(target, parseTarget);
    if (wrong) return wrong;
    const drills = drillsOf(view);
    if (about.schedule !== null && due !== null) {
      const schedule = drills.schedules.find(({ name }) => name === about.schedule);
      if (!schedule) return refused({ kind: 'no_schedule', name: about.schedule });
      if (schedule.taken !== null && schedule.taken >= due)
        return refused({ kind: 'drill_taken', name: about.schedule, due });
    }
    const other = runningDrill(drills, view.time);
    if (other) return refused({ kind: 'drill_running', id: other.id, by: other.asked_by, until: other.until });
    if (view.get('kill', target)) return refused({ kind: 'drill_stopped', target });
    const until = untilOf(about.window_ms, view);
    return event('drill', { id, kind, target, state: 'running', step: 'baseline', until, begins: { ...about, due } });
  },
};

/** A drill goes on to a step. */
export const drill_step: CommandRow<OfDrill & { readonly step: DrillStep }> = {
  isUngoverned: true,
  changes: () => ['drills'],
  wish({ id, step }, view) {
    const found = underWay(view, id);
    if ('wish' in found) return found.wish;
    const { kind, target, window_ms } = found.drill;
    return event('drill', { id, kind, target, state: 'running', step, until: untilOf(window_ms, view) });
  },
};

/** A drill has come to its end. */
export const drill_end: CommandRow<
  OfDrill & { readonly state: Extract<DrillState, 'passed' | 'failed'>; readonly report: DrillReport }
> = {
  isUngoverned: true,
  changes: () => ['drills'],
  wish({ id, state, report }, view) {
    const found = underWay(view, id);
    if ('wish' in found) return found.wish;
    const { kind, target, step, until } = found.drill;
    return event('drill', { id, kind, target, state, step, until, report });
  },
};

/** What a drill may stop: its target, and the run in which it works itself. */
const mayStop = ({ id, target: own }: Drill, target: string): boolean =>
  target === own || target === `run:${drillRun(id)}`;

export interface Stopping extends OfDrill, GivenReason {
  readonly target: string;
}

/** A drill stops something that nobody has stopped before. */
export const drill_press: CommandRow<Stopping> = {
  isUngoverned: true,
  changes: ({ target }) => ['kill', target],
  readsBeside: () => [['drills']],
  reach: ({ target }) => readTarget(target),
  wish({ id, target }, view, commandId) {
    const found = underWay(view, id);
    if ('wish' in found) return found.wish;
    if (view.get('kill', target) || !mayStop(found.drill, target)) return refused({ kind: 'drill_stopped', target });
    return event('kill', { id: commandId, target, mode: 'full_stop', expires_at: null, drill_id: id });
  },
};

/** A drill lifts what it has stopped itself, and nobody else has touched since. */
export const drill_lift: CommandRow<Stopping> = {
  isUngoverned: true,
  changes: ({ target }) => ['kill', target],
  readsBeside: () => [['drills']],
  wish({ id, target }, view) {
    const found = underWay(view, id);
    if ('wish' in found) return found.wish;
    const kill = view.get('kill', target);
    if (!kill) return refused({ kind: 'not_killed', target });
    if (kill.drill_id !== id) return refused({ kind: 'drill_touched', target, by: kill.by });
    return event('revive', { id: kill.id, target });
  },
};

type Undoing = AskedRollback & Loosening & { readonly drill: string };

/** A drill has what it has done itself undone. */
export const drill_rollback: CommandRow<Undoing> = {
  ...rollback,
  readsBeside: () => [['drills']],
  wish({ drill: id, ...asked }, view, commandId) {
    const found = underWay(view, id);
    if ('wish' in found) return found.wish;
    if (asked.target !== `run:${drillRun(id)}`) return refused({ kind: 'drill_stopped', target: asked.target });
    return rollback.wish(asked, view, commandId);
  },
};

type Scheduled = Pick<DrillSchedule, 'name' | 'kind' | 'target' | 'window_ms' | 'recipient' | 'words' | 'period_ms'>;

/** A drill that comes back; null: it comes back no more. */
export const drill_schedule: CommandRow<{ readonly name: string; readonly schedule: Scheduled | null }> = {
  isUngoverned: true,
  changes: () => ['drills'],
  wish({ name, schedule }, view) {
    const { schedules } = drillsOf(view);
    const isThere = schedules.some((each) => each.name === name);
    if (!schedule && !isThere) return refused({ kind: 'no_schedule', name });
    if (!isThere && schedules.length >= MOST_SCHEDULES)
      return refused({ kind: 'schedules_full', most: MOST_SCHEDULES });
    return event('drill_schedule', { name, schedule });
  },
};
