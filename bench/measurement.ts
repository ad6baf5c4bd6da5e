import type { RedisServer } from '../test/servers/index.ts';
import type { Result } from './results.ts';

/** What the numbers share. */
export interface Bench {
  /** Everything runs, but so little of it that the numbers mean nothing. */
  readonly quick: boolean;
  /** A folder that goes when the run ends. */
  readonly folder: string;
  /** Started for the first that asks. */
  redis(): Promise<RedisServer>;
  /** Says on stderr what is going on. */
  say(text: string): void;
}

/** One number, or a few that are measured together. */
export interface Measurement {
  readonly name: string;
  run(bench: Bench): Promise<readonly Result[]>;
}
