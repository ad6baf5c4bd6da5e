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
  /**
   * Made for the first that asks: a switch with many kills, and one with none, each in Redis (under these organization
   * ids) and in a folder.
   */
  switches(): Promise<Switches>;
  /** Says on stderr what is going on. */
  say(text: string): void;
}

export interface Switches {
  readonly kills: number;
  readonly redis: RedisServer;
  /** By organization id: `many` or `none`. */
  readonly folders: Readonly<Record<'many' | 'none', string>>;
}

/** One number, or a few that are measured together. */
export interface Measurement {
  readonly name: string;
  run(bench: Bench): Promise<readonly Result[]>;
}
