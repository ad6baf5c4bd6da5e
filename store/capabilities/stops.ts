import type { Stop } from '../../flags/index.ts';

/** A stop as it is kept, with who has written it as far as the store knows; or why it cannot be read. */
export type KeptStop =
  | { readonly stop: Stop; readonly writer: string | null }
  | { readonly problem: string; readonly writer: string | null };

/**
 * The stops of executors: each adds to a list of its own, and takes nothing from it. Every confirmation brings them to
 * the other executors, and they hold there at once; an operating process copies them into the log.
 */
export interface Stops {
  /** Durable when it resolves; executors are told to confirm. The same id again changes nothing. */
  add(stop: Stop): Promise<void>;
}

/** Reads the stops of all executors, for operators. */
export interface StopReader {
  /** Bounded in what is read of each writer: what is left out, or cannot be read, is there as a problem. */
  list(): Promise<readonly KeptStop[]>;
  /** Takes out stops that hold no longer, by their ids, as upkeep. */
  drop(ids: readonly string[]): Promise<void>;
}
