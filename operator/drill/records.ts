import {
  type Drill,
  type DrillKind,
  type DrillReport,
  type DrillSchedule,
  type Drills,
  type DrillState,
  drillStateAt,
  type DrillStep,
  isScheduleOverdue,
  NO_GOVERNANCE,
  overdueDrill,
  type Performer,
  type State,
} from '../../flags/index.ts';
import { readDrillTimes } from './times.ts';

/** A drill, in short. */
export interface DrillRecord {
  readonly id: string;
  readonly kind: DrillKind;
  readonly state: DrillState;
  readonly target: string;
  readonly window_ms: number;
  /** How far it had come. */
  readonly step: DrillStep;
  readonly by: string;
  readonly at: string;
  readonly ended_at: string | null;
  /** The schedule that has begun it; null: a person has. */
  readonly schedule: string | null;
  readonly executor_count: number;
  /** How long the slowest executor took to acknowledge; null where not all did. */
  readonly slowest_ms: number | null;
  readonly late_starts: number;
  readonly finding_count: number;
}

/** A drill with all that it has measured. One that was abandoned has measured nothing that is known. */
export interface DrillAnswer extends DrillRecord, DrillReport {
  /** Whom it has tried to send something to; null: nobody. */
  readonly recipient: string | null;
  /** The executor that has done the drill's own work; null: none did. */
  readonly performer: Performer | null;
  /** How long it took; null: it has not ended. */
  readonly elapsed_ms: number | null;
  /** The last drills of its kind before it, the newest first. */
  readonly before: readonly DrillRecord[];
}

/** A drill that comes back. */
export interface DrillScheduleRecord {
  readonly name: string;
  readonly kind: DrillKind;
  /** Null: what its kind stops. */
  readonly target: string | null;
  readonly window_ms: number;
  readonly at: string;
  readonly next_at: string;
  /** The time for which it was last run; null: none yet. */
  readonly last_due: string | null;
  readonly overdue: boolean;
}

/** How it stands with drills. `last_at`: when one was last passed. */
export interface DrillStanding {
  readonly last_at: string | null;
  readonly overdue: boolean;
}

/** How many earlier drills an answer is compared with. */
const COMPARED = 5;

/** A drill at a moment, by the store's clock. */
const drillRecord = (drill: Drill, now: string): DrillRecord => ({
  id: drill.id,
  kind: drill.kind,
  state: drillStateAt(drill, now),
  target: drill.target,
  window_ms: drill.window_ms,
  step: drill.step,
  by: drill.asked_by,
  at: drill.asked_at,
  ended_at: drill.ended_at,
  schedule: drill.schedule,
  executor_count: drill.executors,
  slowest_ms: drill.slowest_ms,
  late_starts: drill.late_starts,
  finding_count: drill.findings,
});

/** The last drills, the newest first. */
export const drillRecords = ({ last }: Drills, now: string): DrillRecord[] =>
  last.map((drill) => drillRecord(drill, now)).toReversed();

/** What is known of a drill without a report. */
const NOTHING: DrillReport = {
  ...{ executors: [], more_executors: 0, canary: null, phases: [], pressed_ms: null, restored_ms: null, error_ms: 0 },
  ...{ baseline: { starts: 0, in_flight: 0, interventions: 0, canary: 0 }, stands: [], findings: [], notes: [] },
};

/** What it has not given back, by the state: its stops bear its id. */
const standing = ({ id }: Drill, state: Pick<State, 'activeKills'>): string[] =>
  [...state.activeKills()].flatMap(({ drill_id, target }) => (drill_id === id ? [target] : []));

/** A drill with its report; null: the log has none, or none any more. */
export function drillAnswer(
  drill: Drill,
  report: DrillReport | null,
  { state, time }: { readonly state: State; readonly time: string },
): DrillAnswer {
  const record = drillRecord(drill, time);
  const stands = standing(drill, state);
  const { last } = state.drills;
  const earlier = last.slice(
    0,
    last.findIndex(({ id }) => id === drill.id),
  );
  const notes =
    report || record.state === 'running'
      ? []
      : [
          record.state === 'abandoned'
            ? `Its process has ended, or was cut off from its store, at the step ${drill.step}: what it had stopped by then stays stopped.`
            : 'Its report is no longer in the log.',
        ];
  return {
    ...record,
    ...(report ?? { ...NOTHING, notes }),
    stands: report ? report.stands : stands,
    recipient: drill.recipient,
    performer: drill.performer,
    elapsed_ms: drill.ended_at === null ? null : Date.parse(drill.ended_at) - Date.parse(drill.asked_at),
    before: drillRecords({ ...state.drills, last: earlier.filter(({ kind }) => kind === drill.kind) }, time).slice(
      0,
      COMPARED,
    ),
  };
}

const isoOf = (ms: number): string => new Date(ms).toISOString();

function scheduleRecord(schedule: DrillSchedule, drills: Drills, time: string): DrillScheduleRecord {
  const { name, kind, target, window_ms, words, taken } = schedule;
  const next_at = isoOf(readDrillTimes(words).nextAfter(Date.parse(time)));
  return {
    ...{ name, kind, target, window_ms, at: words, next_at, last_due: taken },
    overdue: isScheduleOverdue(schedule, drills, time),
  };
}

/** The drills that come back, by name. */
export const scheduleRecords = (drills: Drills, time: string): DrillScheduleRecord[] =>
  drills.schedules
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((schedule) => scheduleRecord(schedule, drills, time));

/** When a drill was last passed, and whether one is overdue. */
export function drillStanding(state: State, time: string): DrillStanding {
  const { drills } = state;
  const passed = Object.values(drills.passed_at).toSorted().at(-1) ?? null;
  const { drill_ms } = state.get('governance') ?? NO_GOVERNANCE;
  return { last_at: passed, overdue: overdueDrill(drills, drill_ms, time) !== null };
}
