import type { Beat, Head } from '../flags/index.ts';
import type { ReportedBeat } from '../store/beats.ts';

/**
 * How far one executor has obeyed. `silent`: nothing (that can be read) heard for longer than its lease; it is never
 * counted as stopped.
 */
export type ExecutorState = 'stopped' | 'draining' | 'behind' | 'silent';

export interface ExecutorAcknowledgement {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  readonly epoch: number;
  readonly in_flight: number;
  /** How many of these a restriction has reached and that have not ended yet. */
  readonly draining: number;
  readonly state: ExecutorState;
  /** How long ago it reported, by the store's clock. */
  readonly age_ms: number;
  /**
   * Who has written that report, as far as the store knows (`uid 1000`, `name mailer`); null where it cannot tell. Two
   * with one writer could report for each other.
   */
  readonly writer: string | null;
  /** What is wrong with its report; such an executor is silent. */
  readonly problem?: string | undefined;
  /**
   * Where it only writes a file that clients read which cannot acknowledge: `stopped` means that it is written, and how
   * long after that they have obeyed at the latest.
   */
  readonly export?: Beat['export'];
  /** What keeps it from obeying, in its own words. */
  readonly trouble?: string | undefined;
}

/** One and the same executor has the same id and the same writer: under an id alone somebody else may report, too. */
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

/** What a kill or `status` shows of those who obey (CONTRACT: kill answer). */
export interface Acknowledgements {
  readonly total: number;
  readonly applied: number;
  readonly drained: number;
  readonly silent: number;
  readonly unacknowledging_clients: number;
  readonly elapsed_ms: number;
  readonly executors: readonly ExecutorAcknowledgement[];
  readonly shared_writers: readonly SharedWriter[];
  /** Why the executors could not be heard; then nothing is known of them. */
  readonly problem?: string | undefined;
}

/** What is compared: the head that must be applied, where the store stands now, and the store's clock. */
export interface Required {
  readonly head: Head;
  readonly store: Head;
  readonly time: string;
}

/** What an executor holds beyond the store is evidence of a lost change, not an acknowledgement. */
const acknowledged = ({ applied }: Beat, { store }: Required): number =>
  applied?.generation === store.generation && applied.epoch <= store.epoch ? applied.epoch : 0;

/** A clock that runs ahead would keep a dead executor from ever being silent. */
const problemOf = (beat: ReportedBeat, ageMs: number): string | undefined =>
  beat.problem ?? (ageMs < -beat.lease_ms ? `its clock is ${-ageMs} ms ahead of the store's: set it right` : undefined);

const stateOf = (beat: Beat, required: Required): ExecutorState => {
  if (acknowledged(beat, required) < required.head.epoch) return 'behind';
  return beat.draining === 0 ? 'stopped' : 'draining';
};

/** Where every executor stands with regard to a head that must be applied. */
export function acknowledge(beats: readonly ReportedBeat[], required: Required, elapsedMs: number): Acknowledgements {
  const executors = beats.map((beat): ExecutorAcknowledgement => {
    const ageMs = Date.parse(required.time) - Date.parse(beat.at);
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

/** Which of these could report for each other; nothing is known of those whose writer the store cannot tell. */
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
