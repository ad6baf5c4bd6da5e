import { hostname } from 'node:os';
import type { Beat, Instant } from '../flags/index.ts';
import type { LiveCopy } from './live-copy.ts';
import { VERSION } from './version.ts';

/** What an executor says about its work, in each beat. */
export interface Work {
  readonly inFlight: number;
  /** How many of these a restriction has reached, so that they must end or wait. */
  readonly draining: number;
  readonly agents: readonly string[];
  readonly runs: readonly string[];
  readonly export?: Beat['export'];
  readonly trouble?: string | undefined;
}

/** How much of a trouble a beat reports, in characters. */
const LONGEST_TROUBLE = 1000;

const NO_WORK: Work = { inFlight: 0, draining: 0, agents: [], runs: [] };

/** The executor whose beats are made. */
export interface Executor {
  readonly id: string;
  readonly name: string;
  readonly leaseMs: number;
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
export function ownBeats({ id, name, leaseMs, startedAt, work = () => NO_WORK }: Executor): OwnBeats {
  const fixed = { id, name, host: hostname(), pid: process.pid, version: VERSION, lease_ms: leaseMs };
  const started_at = new Date(startedAt).toISOString();
  return ({ held, forkReport }, now) => {
    const { inFlight, draining, export: exported, trouble, ...names } = work();
    const [agents, moreAgents] = thatFit(names.agents);
    const [runs, moreRuns] = thatFit(names.runs);
    return {
      ...fixed,
      started_at,
      at: new Date(now.wall).toISOString(),
      applied: held,
      in_flight: inFlight,
      draining,
      agents,
      ...(moreAgents > 0 && { more_agents: moreAgents }),
      runs,
      ...(moreRuns > 0 && { more_runs: moreRuns }),
      fork: forkReport,
      ...(exported && { export: exported }),
      ...(trouble !== undefined && { trouble: trouble.slice(0, LONGEST_TROUBLE) }),
    };
  };
}

/**
 * How many characters all names of agents, and all names of runs, may have in one beat: it then stays far shorter than
 * the longest beat that is read, however JSON escapes them.
 */
const MOST_NAMED = 32_768;

/** The names that fit, and how many more there are. */
function thatFit(names: readonly string[]): readonly [fit: string[], more: number] {
  let room = MOST_NAMED;
  const end = names.findIndex((name) => {
    room -= name.length;
    return room < 0;
  });
  return end === -1 ? [[...names], 0] : [names.slice(0, end), names.length - end];
}
