import { closestFew } from '../flags/closest.ts';
import {
  deepFreeze,
  formatTarget,
  reaches,
  type Seen,
  type Subject,
  type SurfaceRecord,
  type Target,
  type TargetType,
} from '../flags/index.ts';
import { keysOf, mapRows } from '../flags/table.ts';
import type { ReportedBeat } from '../store/beats.ts';
import type { SeenLately } from '../store/reports.ts';

/** How many names of one kind an answer has at most. */
export const MOST_NAMES = 100;
const MOST_SUGGESTIONS = 3;

/** Among how many names the nearest ones are looked for: an operator's process must not stand still meanwhile. */
const MOST_COMPARED = 2000;

/** What a stop has hit, as far as executors report it, now or in the last day: at most 100 names of each kind. */
export interface Matched {
  readonly agents: readonly string[];
  readonly runs: readonly string[];
  readonly missions: readonly string[];
  readonly actions: readonly string[];
  readonly features: readonly string[];
  readonly surfaces: readonly string[];
  /** How many executors have reported and not left, without exports. Nobody else can have heard of the stop. */
  readonly executors: number;
  /** How many exports there are: files whose clients report nothing, so that whom they know is not known. */
  readonly exports: number;
  /** Who last reported what its agents did, and when, where no executor is here now; null where nothing is known. */
  readonly last_executor: { readonly name: string; readonly at: string } | null;
  /**
   * False where executors know more than they could report: they name the newest of very many runs, or a report could
   * not be read. What is named here is then not all that is hit.
   */
  readonly complete: boolean;
  /** How many of the actions that executors have in flight, as they last reported, it reaches. */
  readonly in_flight: number;
  /** False where no executor has reported anything that it reaches. The stop stands all the same. */
  readonly seen: boolean;
  /** Where nothing was seen: targets of nearly this name that were. */
  readonly suggestions: readonly string[];
  /** Why the executors' reports could not be read; then nothing is known. */
  readonly problem?: string | undefined;
}

/** What is known before any report is read. */
export const NOTHING_MATCHED: Matched = deepFreeze({
  agents: [],
  runs: [],
  missions: [],
  actions: [],
  features: [],
  surfaces: [],
  executors: 0,
  exports: 0,
  last_executor: null,
  complete: false,
  in_flight: 0,
  seen: false,
  suggestions: [],
});

/** All that executors have reported of who acts and what can act. */
export interface Reports {
  readonly beats: readonly ReportedBeat[];
  readonly surfaces: readonly SurfaceRecord[];
  readonly seen: Pick<SeenLately, 'whole'> & { readonly records: readonly Seen[] };
}

type Kind = Exclude<TargetType, 'all'>;

/** The member of a subject that has its own name of a kind; parents have others. */
const OWN = {
  agent: 'agentId',
  mission: 'missionId',
  run: 'runId',
  action: 'action',
  feature: 'feature',
  surface: 'surface',
} as const satisfies Record<Kind, keyof Subject>;

/** What a target has hit. */
export function matchedBy(target: Target, reports: Reports): Matched {
  const known = subjectsIn(reports);
  const hit = known.filter((subject) => reaches(target, subject));
  const seen = hit.length > 0 || (target.type === 'all' && reports.beats.length > 0);
  const names = mapRows(OWN, (key) => namesIn(hit, key, MOST_NAMES));
  return {
    agents: names.agent,
    runs: names.run,
    missions: names.mission,
    actions: names.action,
    features: names.feature,
    surfaces: names.surface,
    ...presence(reports),
    ...(target.type === 'run' && { complete: false }), // where there are many, not each is reported
    in_flight: inFlight(target, reports.beats),
    seen,
    suggestions: seen ? [] : suggested(target, known),
  };
}

/** What a limit has hit: the actions that declare it. It stops nothing that runs. */
export function matchedByLimit(name: string, reports: Reports): Matched {
  const declaring = reports.surfaces.filter(({ limits }) => limits.includes(name));
  const seen = declaring.length > 0;
  const known = reports.surfaces.flatMap(({ limits }) => limits);
  return {
    ...NOTHING_MATCHED,
    ...presence(reports),
    // What has left is known by what it has met, and that names no limits.
    ...(!seen && reports.seen.records.some(({ executor }) => hasLeft(executor, reports)) && { complete: false }),
    actions: [...new Set(declaring.map(({ action }) => action))].slice(0, MOST_NAMES),
    seen,
    suggestions: seen ? [] : closestFew(name, [...new Set(known)], MOST_SUGGESTIONS),
  };
}

/** What reports an application's number, where executors have named it. */
export function matchedByReport(name: string, reports: Reports): Matched {
  const of = reports.seen.records.filter(({ report }) => report !== undefined);
  const hit = of.filter(({ report }) => report === name).map(subjectOf);
  const known = of.flatMap(({ report }) => report ?? []);
  return {
    ...NOTHING_MATCHED,
    ...presence(reports),
    agents: namesIn(hit, 'agentId', MOST_NAMES),
    seen: hit.length > 0,
    suggestions: hit.length > 0 ? [] : closestFew(name, [...new Set(known)].slice(0, MOST_COMPARED), MOST_SUGGESTIONS),
  };
}

/** Whom a budget of one user or account means: executors report none of these, and only budgets have counted them. */
export function matchedBySpender({ type, id }: Spender, counted: readonly Spender[], reports: Reports): Matched {
  const known = [...new Set(counted.filter((each) => each.type === type).map((each) => each.id))];
  const seen = known.includes(id);
  return {
    ...NOTHING_MATCHED,
    ...presence(reports),
    complete: false,
    seen,
    suggestions: seen
      ? []
      : closestFew(id, known.slice(0, MOST_COMPARED), MOST_SUGGESTIONS).map((near) => `${type}:${near}`),
  };
}

/** A user or an account, for whom calls are made. */
export interface Spender {
  readonly type: 'user' | 'account';
  readonly id: string;
}

const hasLeft = (executor: string, { beats }: Reports): boolean => !beats.some(({ name }) => name === executor);

/** True for a report that can be believed and names all that its executor has in hand. */
export const namesAll = ({
  problem,
  more_agents,
  more_missions,
  more_runs,
  in_flight,
  work = [],
}: ReportedBeat): boolean =>
  problem === undefined && !more_agents && !more_missions && !more_runs && in_flight <= work.length;

function presence({ beats, seen }: Reports): Pick<Matched, 'executors' | 'exports' | 'last_executor' | 'complete'> {
  const [last] = beats.length > 0 ? [] : seen.records;
  const exports = beats.filter(({ export: exported }) => exported !== undefined).length;
  const complete = seen.whole && beats.every(namesAll);
  return {
    executors: beats.length - exports,
    exports,
    complete,
    last_executor: last ? { name: last.executor, at: last.at } : null,
  };
}

/** Of work that a beat does not name, only a stop of everything is known to reach it. */
const inFlight = (target: Target, beats: readonly ReportedBeat[]): number =>
  beats.reduce(
    (sum, { in_flight, work = [] }) =>
      sum + (target.type === 'all' ? in_flight : work.filter((row) => reaches(target, subjectOf(row))).length),
    0,
  );

/** Who has done what, as a decision names it. */
export const subjectOf = (row: Omit<Seen, 'at' | 'executor'>): Subject => ({
  agentId: row.agent_id ?? undefined,
  missionId: row.mission_id ?? undefined,
  runId: row.run_id ?? undefined,
  lineageAgents: row.lineage_agents,
  lineageMissions: row.lineage_missions,
  lineageRuns: row.lineage_runs,
  action: row.action ?? undefined,
  surface: row.surface ?? undefined,
  feature: row.feature ?? undefined,
});

function subjectsIn({ beats, surfaces, seen }: Reports): readonly Subject[] {
  return [
    ...beats.flatMap(({ work = [], agents, missions = [], runs }) => [
      ...work.map(subjectOf),
      ...agents.map((agentId): Subject => ({ agentId })),
      ...missions.map((missionId): Subject => ({ missionId })),
      ...runs.map((runId): Subject => ({ runId })),
    ]),
    ...surfaces.map(({ action, surface, feature }): Subject => ({ action, surface, feature: feature ?? undefined })),
    ...seen.records.map(subjectOf),
  ];
}

/** Their own names of a kind, at most so many. */
function namesIn(subjects: readonly Subject[], key: (typeof OWN)[Kind], most: number): readonly string[] {
  const names = new Set<string>();
  for (const { [key]: name } of subjects) {
    if (names.size === most) break;
    if (name !== undefined) names.add(name);
  }
  return [...names];
}

/**
 * First what has this very id and is of another kind, or has or lacks the kind as part of its id (`agent:agent:bot`);
 * then what is of the same kind and nearly written so. Runs and missions are many and alike: another one of these is
 * hardly what was meant.
 */
function suggested({ type, id }: Target, known: readonly Subject[]): string[] {
  if (type === 'all') return [];
  const isKnown = (kind: Kind, name: string): boolean => known.some((subject) => subject[OWN[kind]] === name);
  const same = keysOf(OWN).filter((kind) => isKnown(kind, id));
  const twice = [`${type}:${id}`, ...(id.startsWith(`${type}:`) ? [id.slice(type.length + 1)] : [])];
  const names = type === 'run' || type === 'mission' ? [] : namesIn(known, OWN[type], MOST_COMPARED);
  const begun = id.replace(/\.?\*$/, '');
  const longer = names.filter((name) => name.startsWith(begun));
  const named = [
    ...same.map((kind) => formatTarget({ type: kind, id })),
    ...twice.filter((name) => isKnown(type, name)).map((name) => formatTarget({ type, id: name })),
    ...[...closestFew(id, names, MOST_SUGGESTIONS), ...longer].map((name) => formatTarget({ type, id: name })),
  ];
  return [...new Set(named)].slice(0, MOST_SUGGESTIONS);
}
