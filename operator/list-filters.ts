import { type ActiveKill, type EventType, type LogEvent, reaches, readTarget, type Subject } from '../flags/index.ts';
import type { ReportedBeat } from '../store/beats.ts';
import type { ReportedIntervention } from '../store/reports.ts';
import type { ExecutorAcknowledgement, ExecutorState } from './acknowledge.ts';
import type { ApprovalRecord, ApprovalStatus, StandingRecord } from './approval-records.ts';
import type { NamedRule } from './rule-record.ts';
import type { SurfaceRow } from './answers.ts';
import { targetsOf } from './event-targets.ts';
import { isUnreadable } from './surface-rows.ts';

/** The filters of all lists, as they are asked for; `since` in milliseconds. */
export interface FilterValues {
  readonly target: string;
  readonly agent: string;
  readonly action: string;
  readonly actor: string;
  readonly type: EventType;
  readonly since: number;
  readonly state: ExecutorState;
  readonly proposals: boolean;
  readonly status: ApprovalStatus;
}

export type FilterName = keyof FilterValues;

/** The filters that are asked for. */
export type Wanted = { readonly [F in FilterName]?: FilterValues[F] };

/** The filters that one list takes: whether a row matches what is wanted. */
export type Filters<Row> = {
  readonly [F in FilterName]?: (wanted: FilterValues[F], row: Row) => boolean;
};

const isSince = (since: number, time: string): boolean => Date.parse(time) >= since;

/** `dana` is whoever is so called, however that was proved (`unverified:dana`). */
const isBy = (actor: string, by: string): boolean => by === actor || by.slice(by.indexOf(':') + 1) === actor;

const covers = (pattern: string, action: string): boolean => reaches({ type: 'action', id: pattern }, { action });

/** True for two actions or patterns that have an action in common. */
export const actionsMeet = (one: string, other: string): boolean => covers(one, other) || covers(other, one);

const isOfAction = (action: string, target: string): boolean =>
  target.startsWith('action:') && actionsMeet(action, target.slice('action:'.length));

export const KILL_FILTERS = {
  target: (target, kill) => kill.target === target,
  agent: (agent, kill) => kill.target === `agent:${agent}`,
  action: (action, kill) => isOfAction(action, kill.target),
  actor: (actor, kill) => isBy(actor, kill.killed_by),
  since: (since, kill) => isSince(since, kill.killed_at),
} satisfies Filters<ActiveKill>;

export const RULE_FILTERS = {
  target: (target, [, rule]) => rule.target === target,
  agent: (agent, [, rule]) => rule.target === `agent:${agent}`,
  action: (action, [, rule]) => isOfAction(action, rule.target),
  actor: (actor, [, rule]) => isBy(actor, rule.by),
  since: (since, [, rule]) => isSince(since, rule.at),
} satisfies Filters<NamedRule>;

/** An executor's report, and what it comes to. */
export interface HeardExecutor {
  readonly beat: ReportedBeat;
  readonly executor: ExecutorAcknowledgement;
}

export const EXECUTOR_FILTERS = {
  // Whoever may have such work is shown: one that names only some of its agents, or whose report cannot be read.
  agent: (agent, { beat }) =>
    beat.agents.includes(agent) || beat.more_agents !== undefined || beat.problem !== undefined,
  state: (state, { executor }) => executor.state === state,
  since: (since, { beat }) => isSince(since, beat.heard_at ?? beat.at),
} satisfies Filters<HeardExecutor>;

/** What a kill looks at in an action, whoever uses it. */
const madeOf = ({ action, surface, feature }: SurfaceRow): Subject => ({
  action,
  surface,
  feature: feature ?? undefined,
});

export const SURFACE_FILTERS = {
  target: (target, row) => isUnreadable(row) || reaches(readTarget(target), madeOf(row)),
  action: (action, row) => isUnreadable(row) || actionsMeet(action, row.action),
  since: (since, row) => isUnreadable(row) || (row.last_used !== null && isSince(since, row.last_used)),
} satisfies Filters<SurfaceRow>;

export const INTERVENTION_FILTERS = {
  target: (target, row) => causedBy(row.cause) === target || reaches(readTarget(target), stoodFor(row)),
  agent: (agent, row) => row.agent_id === agent,
  action: (action, row) => row.action !== null && actionsMeet(action, row.action),
  since: (since, row) => isSince(since, row.at),
  proposals: (proposals, row) => !proposals || row.proposal,
} satisfies Filters<ReportedIntervention>;

export const APPROVAL_FILTERS = {
  status: (status, row) => row.status === status,
  target: (target, row) => reaches(readTarget(target), askedFor(row)),
  agent: (agent, row) => row.agent_id === agent,
  action: (action, row) => actionsMeet(action, row.action),
  actor: (actor, row) => row.decided_by !== null && isBy(actor, row.decided_by),
  since: (since, row) => isSince(since, row.requested_at),
} satisfies Filters<ApprovalRecord>;

const askedFor = (row: ApprovalRecord): Subject => ({
  action: row.action,
  agentId: row.agent_id,
  runId: row.run_id ?? undefined,
  missionId: row.mission_id ?? undefined,
  lineageAgents: row.lineage_agents,
  lineageMissions: row.lineage_missions,
  lineageRuns: row.lineage_runs,
  surface: row.surface ?? undefined,
  feature: row.feature ?? undefined,
});

export const STANDING_FILTERS = {
  agent: (agent, row) => row.agent_id === agent,
  action: (action, row) => actionsMeet(action, row.action),
  actor: (actor, row) => isBy(actor, row.allowed_by),
  since: (since, row) => isSince(since, row.allowed_at),
} satisfies Filters<StandingRecord>;

/** The target whose kill or feature is the recorded cause. */
function causedBy({ kind, target, feature }: ReportedIntervention['cause']): unknown {
  if (kind === 'kill') return target;
  return kind === 'feature' ? `feature:${String(feature)}` : undefined;
}

/** What the work of a record stood for. A record has no feature, other than as a cause. */
const stoodFor = ({ agent_id, mission_id, run_id, action, surface }: ReportedIntervention): Subject => ({
  agentId: agent_id ?? undefined,
  missionId: mission_id ?? undefined,
  runId: run_id ?? undefined,
  action: action ?? undefined,
  surface: surface ?? undefined,
});

export const EVENT_FILTERS = {
  target: (target, event) => targetsOf(event).includes(target),
  agent: (agent, event) => targetsOf(event).includes(`agent:${agent}`),
  action: (action, event) => targetsOf(event).some((target) => isOfAction(action, target)),
  actor: (actor, event) => isBy(actor, event.actor),
  type: (type, event) => event.type === type,
  since: (since, event) => isSince(since, event.at),
} satisfies Filters<LogEvent>;
