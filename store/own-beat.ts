import { hostname } from 'node:os';
import type { Beat, Instant, StartRow, WorkRow } from '../flags/index.ts';
import type { LiveCopy } from './live-copy.ts';
import { VERSION } from './version.ts';

/** What an executor says about its work, in each beat. */
export interface Work {
  readonly inFlight: number;
  /** How many of these a restriction has reached, so that they must end or wait. */
  readonly draining: number;
  /** The actions in flight, those that drain first; at most `MOST_ROWS` need be given. */
  readonly rows: readonly WorkRow[];
  /** What was started last, first; at most `MOST_STARTS`. */
  readonly starts?: readonly StartRow[];
  readonly agents: readonly string[];
  readonly missions: readonly string[];
  readonly runs: readonly string[];
  readonly export?: Beat['export'];
  readonly trouble?: string | undefined;
}

/** How much of a trouble a beat reports, in characters. */
const LONGEST_TROUBLE = 1000;

/** How many actions in flight a beat names at most. */
export const MOST_ROWS = 100;

/** How many agents with an action that they have started a beat names at most. */
export const MOST_STARTS = 50;

/** How many characters the names and lineages of these may have in all. */
const LONGEST_ROWS = 65_536;

export const NO_WORK: Work = { inFlight: 0, draining: 0, rows: [], agents: [], missions: [], runs: [] };

/** The executor whose beats are made. */
export interface Executor {
  readonly id: string;
  readonly name: string;
  readonly leaseMs: number;
  /** Whether it keeps an anchor. */
  readonly anchored?: boolean | undefined;
  /** Wall time in milliseconds. */
  readonly startedAt: number;
  readonly work?: (() => Work) | undefined;
}

/** Makes the beat of a moment. */
export type OwnBeats = (copy: Pick<LiveCopy, 'held' | 'forkReport'>, now: Instant) => Beat;

/**
 * Makes this executor's beats: the head it holds, its evidence of a fork, and its work in flight. `beats.ts` reads
 * them.
 */
export function ownBeats({ id, name, leaseMs, anchored, startedAt, work = () => NO_WORK }: Executor): OwnBeats {
  const fixed = {
    id,
    name,
    host: hostname(),
    pid: process.pid,
    version: VERSION,
    lease_ms: leaseMs,
    ...(anchored !== undefined && { anchored }),
  };
  const started_at = new Date(startedAt).toISOString();
  return ({ held, forkReport }, now) => {
    const { inFlight, draining, rows, starts, export: exported, trouble, ...names } = work();
    const [agents, moreAgents] = namesThatFit(names.agents);
    const [missions, moreMissions] = namesThatFit(names.missions);
    const [runs, moreRuns] = namesThatFit(names.runs);
    const [named] = thatFit(rows.slice(0, MOST_ROWS), charactersOf, LONGEST_ROWS);
    return {
      ...fixed,
      started_at,
      at: new Date(now.wall).toISOString(),
      applied: held,
      in_flight: inFlight,
      draining,
      work: named,
      ...(starts && { starts: thatFit(starts.slice(0, MOST_STARTS), charactersOf, LONGEST_ROWS)[0] }),
      agents,
      ...(moreAgents > 0 && { more_agents: moreAgents }),
      missions,
      ...(moreMissions > 0 && { more_missions: moreMissions }),
      runs,
      ...(moreRuns > 0 && { more_runs: moreRuns }),
      fork: forkReport,
      ...(exported && { export: exported }),
      ...(trouble !== undefined && { trouble: trouble.slice(0, LONGEST_TROUBLE) }),
    };
  };
}

/**
 * How many characters all names of agents, of missions and of runs may have in one beat: it then stays far shorter than
 * the longest beat that is read, however JSON escapes them.
 */
const MOST_NAMED = 32_768;

const namesThatFit = (names: readonly string[]): readonly [fit: string[], more: number] =>
  thatFit(names, ({ length }) => length, MOST_NAMED);

/** The first items whose sizes come to no more than `room`, and how many more there are. */
function thatFit<T>(items: readonly T[], sizeOf: (item: T) => number, room: number): readonly [fit: T[], more: number] {
  let left = room;
  const end = items.findIndex((item) => {
    left -= sizeOf(item);
    return left < 0;
  });
  return end === -1 ? [[...items], 0] : [items.slice(0, end), items.length - end];
}

const charactersOf = (row: WorkRow | StartRow): number => Object.values(row).join('').length;
