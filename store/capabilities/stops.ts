import type { Mode } from '../../flags/index.ts';

/** A restriction that an executor has put on itself or on what it runs. Only a person lifts it, in the log. */
export interface Stop {
  readonly id: string;
  readonly target: string;
  readonly mode: Mode;
  readonly by: 'executor' | 'budget' | 'tripwire';
  /** At most 2000 characters. */
  readonly reason: string | null;
}

/** A stop as it is kept: when it came by the store's clock, and who has written it as far as the store knows. */
export interface KeptStop extends Stop {
  readonly at: string;
  readonly writer: string | null;
  /** Why it cannot be read; null where it can. Such a stop restricts its writer, and nobody else. */
  readonly problem: string | null;
}

/**
 * The stops of executors: each adds to a list of its own, and nobody takes anything from it. Readers take them into
 * account at once; a control process copies them into the log, as `system`, and those are in the list no longer.
 */
export interface Stops {
  add(stop: Stop): Promise<void>;
  /** Of all executors, oldest first, at most 10,000 of each; what was left out is said as a `problem`. */
  list(): Promise<readonly KeptStop[]>;
}
