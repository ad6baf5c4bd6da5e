import type { Head } from './records.ts';

/**
 * How many events beyond the store's head an executor may plausibly have seen: what a store loses in a failover or by a restored backup.
 * A report of more proves nothing, since any number can be written where executors write.
 */
export const PLAUSIBLE_LOSS = 1_000_000;

/** The same for a store that has nothing left to compare with; far below MAX_EPOCH, so that there is room for kills afterwards. */
export const PLAUSIBLE_EPOCH = 2 ** 32;

/** What an executor reports of a fork: the generation that contradicts it, and the head that it holds. */
export interface ForkReport {
  readonly against: string;
  readonly held: Head | null;
}

/** A report, and under which names whoever wrote it is known: what it calls itself, and what the store knows of it. */
export interface SignedReport extends ForkReport {
  readonly by: readonly string[];
}

/** What the control plane knows of itself. */
export interface Known {
  readonly generations: readonly string[];
  /** Whose reports an operator has said not to believe. */
  readonly excluded?: readonly string[] | undefined;
}

/** True when an honest executor could hold this head, which the store lacks. `store`: null where the store is empty. */
export const isPlausibleLoss = (held: Head, store: Head | null): boolean =>
  held.epoch <= (store ? store.epoch + PLAUSIBLE_LOSS : PLAUSIBLE_EPOCH);

/**
 * True when a report is evidence that the store has lost a change. It is none when it speaks of another generation than the store is in, names
 * no head, a head of a generation that the store does not know, one that is in the store's chain, or one that nobody can have seen; or when an operator has
 * said not to believe who wrote it.
 *
 * @param isInChain whether that very head is in the store's log
 */
export function isEvidence(
  { against, held, by }: SignedReport,
  store: Head,
  { generations, excluded = [] }: Known,
  isInChain: (held: Head) => boolean,
): boolean {
  return (
    against === store.generation &&
    held !== null &&
    generations.includes(held.generation) &&
    isPlausibleLoss(held, store) &&
    !by.some((name) => excluded.includes(name)) &&
    !isInChain(held)
  );
}
