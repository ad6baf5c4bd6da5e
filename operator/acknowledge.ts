import { type Beat, type Head, reaches, type Target, type WorkRow } from '../flags/index.ts';
import type { ReportedBeat } from '../store/beats.ts';
import { subjectOf } from './matched.ts';

/**
 * How far one executor has obeyed. `stopped`: it has applied the change, and nothing that the change reaches runs
 * there. `silent`: no valid report for longer than its lease, so nothing can start there any more; what it had begun
 * may go on, and it is never counted as stopped.
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
  /** How many of them the change reaches and have not ended. One that the report does not name counts. */
  readonly draining: number;
  /** The actions in flight there that the change reaches, as far as its report names them. */
  readonly work: readonly RunningWork[];
  /** How many actions in flight there its report does not name: the change may reach each of them. */
  readonly unnamed: number;
  readonly state: ExecutorState;
  /** How long ago it reported, by the store's clock. */
  readonly age_ms: number;
  /** How long after a confirmation it acts without another, at most. */
  readonly lease_ms: number;
  /** True where it is silent, and nothing can act by the switch there any more. */
  readonly over: boolean;
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

/** An action in flight, when last heard of. */
export type RunningWork = WorkRow & {
  /** For how long it has run, in milliseconds. */
  readonly running_ms: number;
  /** How long ago its signal fired, in milliseconds; null where it did not. */
  readonly signalled_ms: number | null;
};

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

/** Clients that obey through an executor and cannot say that they have. */
export interface UnacknowledgingClients {
  readonly kind: 'flagd_export';
  /** The file that flagd reads. */
  readonly name: string;
  /** The id of the executor that writes it. */
  readonly executor: string;
  /** Who has written that executor's report, as `ExecutorAcknowledgement` has it. */
  readonly writer: string | null;
  /** When they have stopped at the latest, by the store's clock; null where that is not known. */
  readonly stops_by: string | null;
}

/** What the executors have acknowledged, as in the answer to a kill. Silent ones are counted in `total` and apart. */
export interface Acknowledgements {
  readonly total: number;
  readonly applied: number;
  readonly drained: number;
  readonly silent: number;
  readonly unacknowledging_clients: readonly UnacknowledgingClients[];
  readonly elapsed_ms: number;
  readonly executors: readonly ExecutorAcknowledgement[];
  readonly shared_writers: readonly SharedWriter[];
  /** Why the executors' reports could not be read; then nothing is known of the executors. */
  readonly problem?: string | undefined;
}

/** What must end: all that the target reaches; null: nothing, it is enough that the change is applied. */
export type Reach = Target | null;

/** The whole switch. */
export const EVERYTHING: Target = Object.freeze({ type: 'all', id: '' });

/** The head that must be applied, what must end, the store's present head, and the store's time. */
export interface Required {
  readonly head: Head;
  readonly reach: Reach;
  readonly store: Head;
  readonly time: string;
}

/**
 * How far the clock that dated a report may be behind the store's present one, in milliseconds: after a failover that
 * is another machine's, and both are set by NTP.
 */
const SKEW_MS = 1000;

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

/** Its times are all by its own clock; what has passed since is by the store's. */
function runningAt({ at }: ReportedBeat, ageMs: number): (row: WorkRow) => RunningWork {
  const since = (time: string): number => Math.max(0, Date.parse(at) - Date.parse(time) + Math.max(0, ageMs));
  return (row) => ({
    ...row,
    running_ms: since(row.since),
    signalled_ms: row.signalled_at === null ? null : since(row.signalled_at),
  });
}

const isReached = (row: WorkRow, reach: Reach): boolean => reach !== null && reaches(reach, subjectOf(row));

/** How many actions must end before this executor has obeyed. Those that its report does not name may be among them. */
function mustEnd({ draining, work = [] }: Beat, reach: Reach): number {
  if (reach === null) return 0;
  const named = work.filter((row) => row.draining);
  const unnamed = Math.max(0, draining - named.length);
  return unnamed + named.filter((row) => isReached(row, reach)).length;
}

const stateOf = (beat: Beat, required: Required): ExecutorState => {
  if (acknowledged(beat, required) < required.head.epoch) return 'behind';
  return mustEnd(beat, required.reach) === 0 ? 'stopped' : 'draining';
};

/** How old a report is by the store's clock, in milliseconds; below 0 where the clock that dated it is ahead. */
const ageOf = ({ at, heard_at = at }: ReportedBeat, { time }: Required): number =>
  Date.parse(time) - Date.parse(heard_at);

/**
 * True for a silent executor where nothing can act by the switch any more: its lease is over, and so is the file of an
 * export, by more than clocks can differ.
 */
const isOver = (beat: ReportedBeat, ageMs: number): boolean =>
  ageMs > beat.lease_ms + (beat.export?.stops_within_ms ?? 0) + SKEW_MS;

/** The state of every executor with regard to a change that must be applied. */
export function acknowledge(beats: readonly ReportedBeat[], required: Required, elapsedMs: number): Acknowledgements {
  const executors = beats.map((beat): ExecutorAcknowledgement => {
    const ageMs = ageOf(beat, required);
    const problem = problemOf(beat, ageMs);
    const isSilent = problem !== undefined || ageMs > beat.lease_ms;
    return {
      id: beat.id,
      name: beat.name,
      host: beat.host,
      pid: beat.pid,
      epoch: acknowledged(beat, required),
      in_flight: beat.in_flight,
      draining: mustEnd(beat, required.reach),
      work: (beat.work ?? []).filter((row) => isReached(row, required.reach)).map(runningAt(beat, ageMs)),
      unnamed: Math.max(0, beat.in_flight - (beat.work?.length ?? 0)),
      state: isSilent ? 'silent' : stateOf(beat, required),
      age_ms: Math.max(0, ageMs),
      lease_ms: beat.lease_ms,
      over: isSilent && problem === undefined && isOver(beat, ageMs),
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
    unacknowledging_clients: executors.flatMap((executor) => clientsOf(executor, required)),
    elapsed_ms: Math.round(elapsedMs),
    executors,
    shared_writers: sharedWriters(executors),
  };
}

/**
 * A file that ends by itself stops its clients even where nobody writes it any more: at the latest so long after the
 * last write, which an executor that has not applied the change can have made until its lease was over.
 */
function clientsOf(
  { id, writer, export: exported, state, age_ms, lease_ms, problem }: ExecutorAcknowledgement,
  { time }: Required,
): UnacknowledgingClients[] {
  if (!exported) return [];
  const { file, stops_within_ms } = exported;
  const lastWriteMs = state === 'stopped' || state === 'draining' ? 0 : lease_ms;
  const stopsBy = Date.parse(time) - age_ms + lastWriteMs + stops_within_ms;
  const known = problem === undefined && Number.isFinite(stopsBy);
  const stops_by = known ? new Date(stopsBy).toISOString() : null;
  return [{ kind: 'flagd_export', name: file, executor: id, writer, stops_by }];
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

/** True when nobody need be waited for: every executor has stopped and drained, or can act no more. */
export const allStopped = ({ executors, problem }: Acknowledgements): boolean =>
  problem === undefined && executors.every(({ state, over }) => state === 'stopped' || over);
