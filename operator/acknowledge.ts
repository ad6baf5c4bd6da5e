import type { Beat, Head } from '../flags/index.ts';
import type { ReportedBeat } from '../store/beats.ts';

/**
 * How far one executor has obeyed. `silent`: no valid report for longer than its lease; it is never counted as stopped.
 */
export type ExecutorState = (typeof EXECUTOR_STATES)[number];

export const EXECUTOR_STATES = Object.freeze(['stopped', 'draining', 'behind', 'silent'] as const);

/** How one executor took a stop. */
export interface ExecutorAcknowledgement {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  readonly epoch: number;
  readonly in_flight: number;
  /** How many actions in flight a restriction has reached, and have not ended yet. */
  readonly draining: number;
  readonly state: ExecutorState;
  /** How long ago it reported, by the store's clock. */
  readonly age_ms: number;
  /**
   * Who has written that report, as far as the store knows (`uid 1000`, `name mailer`); null where it does not. Two
   * executors with one writer could report for each other.
   */
  readonly writer: string | null;
  /** What is wrong with its report; such an executor is silent. */
  readonly problem?: string | undefined;
  /**
   * Present where it only writes a file for clients that cannot acknowledge: `stopped` then means that the file is
   * written, and this says how long after that its clients obey at the latest.
   */
  readonly export?: Beat['export'];
  /** What keeps it from obeying, in its own words. */
  readonly trouble?: string | undefined;
}

/** Identifies an executor by id and writer, because several writers may report under one id. */
export const executorKey = ({ id, writer }: { readonly id: string; readonly writer?: string | null }): string =>
  `${writer ?? ''}\n${id}`;

/**
 * Executors that cannot be told apart, because the store knows them as one writer: each of them could report for the
 * others.
 */
export interface SharedWriter {
  readonly writer: string;
  /** Their ids. */
  readonly executors: readonly string[];
}

/** What the executors have acknowledged, as in the answer to a kill. */
export interface Acknowledgements {
  readonly total: number;
  readonly applied: number;
  readonly drained: number;
  readonly silent: number;
  readonly unacknowledging_clients: number;
  readonly elapsed_ms: number;
  readonly executors: readonly ExecutorAcknowledgement[];
  readonly shared_writers: readonly SharedWriter[];
  /** Why the executors' reports could not be read; then nothing is known of the executors. */
  readonly problem?: string | undefined;
}

/** The head that must be applied, the store's present head, and the store's time. */
export interface Required {
  readonly head: Head;
  readonly store: Head;
  readonly time: string;
}

/** An epoch beyond the store's is evidence of a lost change, not an acknowledgement. */
const acknowledged = ({ applied }: Beat, { store }: Required): number =>
  applied?.generation === store.generation && applied.epoch <= store.epoch ? applied.epoch : 0;

/** A clock that runs ahead would keep a dead executor from ever being silent. */
const problemOf = (beat: ReportedBeat, ageMs: number): string | undefined => {
  if (beat.problem !== undefined || ageMs >= -beat.lease_ms) return beat.problem;
  return beat.heard_at === undefined
    ? `its clock is ${-ageMs} ms ahead of the store's: set it right`
    : `the store was given it ${-ageMs} ms from now: the store's clock was set back since, or somebody has forged it`;
};

const stateOf = (beat: Beat, required: Required): ExecutorState => {
  if (acknowledged(beat, required) < required.head.epoch) return 'behind';
  return beat.draining === 0 ? 'stopped' : 'draining';
};

/** The state of every executor with regard to a head that must be applied. */
export function acknowledge(beats: readonly ReportedBeat[], required: Required, elapsedMs: number): Acknowledgements {
  const executors = beats.map((beat): ExecutorAcknowledgement => {
    const ageMs = Date.parse(required.time) - Date.parse(beat.heard_at ?? beat.at);
    const problem = problemOf(beat, ageMs);
    return {
      id: beat.id,
      name: beat.name,
      host: beat.host,
      pid: beat.pid,
      epoch: acknowledged(beat, required),
      in_flight: beat.in_flight,
      draining: beat.draining,
      state: problem !== undefined || ageMs > beat.lease_ms ? 'silent' : stateOf(beat, required),
      age_ms: Math.max(0, ageMs),
      writer: beat.writer ?? null,
      ...(problem !== undefined && { problem }),
      ...(beat.export && { export: beat.export }),
      ...(beat.trouble !== undefined && { trouble: beat.trouble }),
    };
  });
  const count = (...states: ExecutorState[]): number => executors.filter(({ state }) => states.includes(state)).length;
  return {
    total: executors.length,
    applied: count('stopped', 'draining'),
    drained: count('stopped'),
    silent: count('silent'),
    unacknowledging_clients: 0,
    elapsed_ms: Math.round(elapsedMs),
    executors,
    shared_writers: sharedWriters(executors),
  };
}

/** The executors that share a writer. Those with an unknown writer are left out. */
export function sharedWriters(executors: readonly ExecutorAcknowledgement[]): SharedWriter[] {
  const writers = new Map<string, string[]>();
  for (const { writer, id } of executors) {
    if (writer === null) continue;
    const ids = writers.get(writer) ?? [];
    ids.push(id);
    writers.set(writer, ids);
  }
  return [...writers].filter(([, ids]) => ids.length > 1).map(([writer, ids]) => ({ writer, executors: ids }));
}

/** True when every executor has stopped and drained. */
export const allStopped = ({ total, drained, problem }: Acknowledgements): boolean =>
  problem === undefined && drained === total;
