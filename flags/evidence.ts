import type { ForkReport } from './beats.ts';
import type { Head } from './records.ts';

/**
 * How many events beyond the store's head an executor may plausibly have seen: as many as a failover or a restored
 * backup can lose. A report of more proves nothing, since executors can write any number.
 */
export const PLAUSIBLE_LOSS = 1_000_000;

/**
 * The highest plausible epoch for a store that is empty, and so has nothing to compare with. Far below MAX_EPOCH, so
 * that later kills still find numbers.
 */
export const PLAUSIBLE_EPOCH = 2 ** 32;

export const NOT_BELIEVED = 'an operator has said not to believe it';

/** A report as it was found in a store. */
export interface FoundReport extends Readonly<ForkReport> {
  /**
   * The id and the name that its executor is shown under. In Redis the name is that of the key that holds the report.
   */
  readonly id: string;
  readonly name: string;
  /** All names of its writer: those that the report itself gives, and those that the store knows. */
  readonly by: readonly string[];
}

/** What the control plane records of itself. */
export interface Known {
  readonly generations: readonly string[];
  /** The names whose reports an operator has said not to believe. */
  readonly excluded?: readonly string[] | undefined;
}

/** The form that `init` and `recover` give a generation. */
const GENERATION = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** True when an operator has excluded one of these names. */
export const isExcluded = (by: readonly string[], { excluded = [] }: Pick<Known, 'excluded'>): boolean =>
  by.some((name) => excluded.includes(name));

/**
 * True when an honest executor could have seen an event with the epoch of `held`. `store`: null where the store is
 * empty.
 */
export const isPlausibleLoss = (held: Head, store: Head | null): boolean =>
  held.epoch <= (store ? store.epoch + PLAUSIBLE_LOSS : PLAUSIBLE_EPOCH);

/**
 * Why no honest executor can hold this head, which the store lacks; null where one can. An empty store (`store` is
 * null) knows no generations, so there only the form of the generation is checked.
 */
export function lossProblem(held: Head, store: Head | null, generations: readonly string[]): string | null {
  if (!isPlausibleLoss(held, store)) {
    const most = store ? `${PLAUSIBLE_LOSS} beyond the store's ${store.epoch}` : `${PLAUSIBLE_EPOCH}`;
    return `it claims epoch ${held.epoch}, and more than ${most} is not believed`;
  }
  const isKnown = store ? generations.includes(held.generation) : GENERATION.test(held.generation);
  return isKnown ? null : 'it names a generation that this store does not know';
}

/**
 * Why a report is no evidence that the store has lost a change; null where it is. Executors and operators both ask this
 * function, so operators are shown exactly the reports that stop executors.
 *
 * @param isInChain whether that very head is in the store's log; asked last, because it may cost a search
 */
export function evidenceProblem(
  { against, held, by }: Pick<FoundReport, 'against' | 'held' | 'by'>,
  store: Head,
  known: Known,
  isInChain: (held: Head) => boolean,
): string | null {
  if (against !== store.generation) return 'it speaks of another generation than the store is in';
  if (isExcluded(by, known)) return NOT_BELIEVED;
  if (held === null) return 'it names no change that was lost';
  const problem = lossProblem(held, store, known.generations);
  if (problem !== null) return problem;
  return isInChain(held) ? `epoch ${held.epoch}, which it names, is in the log` : null;
}

/** True when nothing speaks against this report: the store has lost a change. */
export const isEvidence = (...asked: Parameters<typeof evidenceProblem>): boolean => evidenceProblem(...asked) === null;
