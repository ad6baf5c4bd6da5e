import { reaches, readTarget, type Seen, type Subject } from '../flags/index.ts';
import type { ReportedBeat } from '../store/beats.ts';
import type { AgentRow } from './answers.ts';
import type { Heard } from './hearing.ts';
import { actionsMeet, type Filters } from './list-filters.ts';
import { MOST_NAMES, namesAll, type Reports, subjectOf } from './matched.ts';

/** What is known of an agent, and all that it was heard to do. */
export interface HeardAgent {
  readonly row: Omit<AgentRow, 'mode' | 'restrictions'>;
  readonly subjects: readonly Subject[];
}

/** What is gathered of one agent. */
interface Gathered {
  readonly subjects: Subject[];
  readonly runs: Set<string>;
  readonly missions: Set<string>;
  readonly executors: Set<string>;
  open: boolean;
  inFlight: number;
  lastAt: string;
}

/**
 * Everybody who has work open, as executors last reported, and who had in the last day: those who work now first, then
 * those heard of last.
 */
export function agentsIn({ beats, seen }: Pick<Reports, 'beats' | 'seen'>): readonly HeardAgent[] {
  const agents = new Map<string, Gathered>();
  const of = (id: string): Gathered => {
    const known = agents.get(id);
    if (known) return known;
    const [runs, missions, executors] = [new Set<string>(), new Set<string>(), new Set<string>()];
    const begun: Gathered = {
      subjects: [{ agentId: id }],
      runs,
      missions,
      executors,
      open: false,
      inFlight: 0,
      lastAt: '',
    };
    agents.set(id, begun);
    return begun;
  };
  for (const beat of beats) for (const id of beat.agents) takeOpen(of(id), id, beat);
  const now = {
    runs: new Set(beats.flatMap(({ runs }) => runs)),
    missions: new Set(beats.flatMap(({ missions = [] }) => missions)),
  };
  for (const record of seen.records) if (record.agent_id !== null) takeSeen(of(record.agent_id), record, now);
  return [...agents]
    .map(([agent_id, { open, inFlight, lastAt, subjects, ...names }]) => ({
      row: {
        agent_id,
        open,
        in_flight: inFlight,
        runs: [...names.runs].slice(0, MOST_NAMES),
        missions: [...names.missions].slice(0, MOST_NAMES),
        executors: [...names.executors].slice(0, MOST_NAMES),
        last_at: lastAt,
      },
      subjects,
    }))
    .sort(
      ({ row: a }, { row: b }) =>
        Number(b.open) - Number(a.open) || inOrder(b.last_at, a.last_at) || inOrder(a.agent_id, b.agent_id),
    );
}

function takeOpen(agent: Gathered, id: string, beat: ReportedBeat): void {
  const { work = [], runs, missions = [], agents } = beat;
  agent.open = true;
  agent.executors.add(beat.name);
  agent.lastAt = later(agent.lastAt, beat.heard_at ?? beat.at);
  for (const row of work) {
    if (row.agent_id !== id) continue;
    agent.inFlight += 1;
    takeNames(agent, row);
    agent.subjects.push(subjectOf(row));
  }
  // Whose the open runs are is said only where they can be nobody else's.
  if (agents.length > 1 || beat.more_agents !== undefined) return;
  for (const run of runs) agent.runs.add(run);
  for (const mission of missions) agent.missions.add(mission);
}

/** Of an agent that works now, runs and missions that are over say nothing any more. */
function takeSeen(
  agent: Gathered,
  record: Seen,
  open: { readonly runs: Set<string>; readonly missions: Set<string> },
): void {
  const { run_id: run, mission_id: mission } = record;
  agent.lastAt = later(agent.lastAt, record.at);
  agent.executors.add(record.executor);
  agent.subjects.push(subjectOf(record));
  takeNames(agent, {
    run_id: run !== null && (!agent.open || open.runs.has(run)) ? run : null,
    mission_id: mission !== null && (!agent.open || open.missions.has(mission)) ? mission : null,
  });
}

function takeNames(agent: Gathered, { run_id: run, mission_id: mission }: Pick<Seen, 'run_id' | 'mission_id'>): void {
  if (run !== null) agent.runs.add(run);
  if (mission !== null) agent.missions.add(mission);
}

const inOrder = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

const later = (one: string, other: string): string => (one < other ? other : one);

/** False where executors may have work of agents that they could not name. */
export const namesAllAgents = ({ beats, seen }: Pick<Reports, 'beats' | 'seen'>): boolean =>
  seen.whole && beats.every(namesAll);

export const AGENT_FILTERS = {
  target: (target, { subjects }) => subjects.some((subject) => reaches(readTarget(target), subject)),
  agent: (agent, { row }) => row.agent_id === agent,
  action: (action, { subjects }) =>
    subjects.some((subject) => subject.action !== undefined && actionsMeet(action, subject.action)),
  since: (since, { row }) => Date.parse(row.last_at) >= since,
} satisfies Filters<HeardAgent>;

/** A run that is open, as executors report it. */
export interface OpenRun {
  readonly run_id: string;
  readonly agents: readonly string[];
  readonly executors: readonly string[];
  /** When it was last heard of. */
  readonly at: string;
}

/** The runs that executors have open, by their ids. */
export function openRuns({ beats }: Pick<Heard, 'beats'>, seen: readonly Seen[]): ReadonlyMap<string, OpenRun> {
  const runs = new Map<string, { agents: Set<string>; executors: Set<string>; at: string }>();
  for (const beat of beats)
    for (const id of beat.runs) {
      const run = runs.get(id) ?? { agents: new Set<string>(), executors: new Set<string>(), at: '' };
      runs.set(id, run);
      run.executors.add(beat.name);
      run.at = later(run.at, beat.heard_at ?? beat.at);
      for (const row of beat.work ?? []) if (row.run_id === id && row.agent_id !== null) run.agents.add(row.agent_id);
      const [only, ...others] = beat.agents;
      if (only !== undefined && others.length === 0 && beat.more_agents === undefined) run.agents.add(only);
    }
  for (const { run_id: id, agent_id: agent } of seen)
    if (id !== null && agent !== null) runs.get(id)?.agents.add(agent);
  return new Map(
    [...runs].map(([run_id, { agents, executors, at }]) => [
      run_id,
      { run_id, agents: [...agents].slice(0, MOST_NAMES), executors: [...executors].slice(0, MOST_NAMES), at },
    ]),
  );
}
