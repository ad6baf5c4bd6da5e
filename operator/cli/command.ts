import type { Command } from 'commander';
import type { ControlPlane } from '../control-plane.ts';
import type { Store } from './store-url.ts';

/** What the command ends with (CONTRACT 4). 5, pending a second person, belongs to governance. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  waitRanOut: 3,
  notVerified: 4,
  pending: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What a verb answers: `value` is what `--json` prints, `text` says the same to people. */
export interface Answer {
  readonly value: unknown;
  readonly text: string;
  readonly exitCode?: ExitCode | undefined;
  /** What has been recorded, in a sentence: it is said also where the answer cannot be written. */
  readonly recorded?: string | undefined;
}

/** An answer that comes bit by bit: one line each, in JSON too. */
export interface Lines {
  readonly lines: AsyncIterable<Pick<Answer, 'value' | 'text'>>;
  /** For people they go to stderr: what the verb makes is not what it tells. */
  readonly beside?: boolean | undefined;
}

/** What a verb works with: everything else it is given as arguments and options. */
export interface Context {
  readonly organizationId: string;
  readonly store: Store;
  /** Whether a JSON value will be printed, for verbs whose text comes line by line and whose value does not. */
  readonly json: boolean;
  /**
   * The operator's side; opened with the first call, closed when the verb has ended. `operate`: as an operating
   * process, which appends by itself.
   */
  control(options?: { readonly operate: boolean }): Promise<ControlPlane>;
  /**
   * A sentence of ours in which each command line reaches the switch that was meant. Notes and errors are such
   * sentences anyway; the text of an answer, in which others' words stand, is not.
   */
  advice(sentence: string): string;
  /** Says something beside the answer, on stderr. */
  note(line: string): void;
  /** Shows how far it is, on stderr, where a person is looking; each line replaces the last. */
  progress(line: string): void;
  /** Says what has been reached before it goes on: nobody who looks later may find nothing. */
  reached(line: string): void;
  /**
   * Aborted by Ctrl-C or SIGTERM, which from the first call on no longer end the process by themselves. `waits`: the
   * store's answer is still waited for.
   */
  untilInterrupted(options?: { readonly waits: boolean }): AbortSignal;
}

/** Makes a commander action of a function that answers. */
export type Perform = <A extends unknown[]>(
  run: (context: Context, ...given: A) => Promise<Answer | Lines>,
) => (...given: A) => Promise<void>;

/**
 * A verb: what it takes, and what it does. To add one, copy a file of `commands/` and a row of the table in `verbs.ts`.
 */
export type Verb = (command: Command, perform: Perform) => void;
