/**
 * Counts that outlive a process, of what is not worth an event each time. Nothing rests on them: where several
 * processes count at once, one may be lost.
 */
export interface Tally {
  /** Adds to the count of that name. Of more than {@link MOST_TALLIED} names the further ones are not kept. */
  add(name: string, count: number): Promise<void>;
  /** The count of that name, which then begins anew; 0 where there is none. */
  take(name: string): Promise<number>;
}

/** How many names a store keeps counts of. */
export const MOST_TALLIED = 200;

/** The highest count of one name: more are not told apart. */
export const HIGHEST_TALLY = 1_000_000;

/** For how long a count is kept at least after it has last grown, in milliseconds. */
export const TALLY_KEPT_MS = 2 * 86_400_000;
