import type { Command } from 'commander';
import type { ControlPlane } from '../control-plane.ts';
import type { LiveTerminal, Screen } from './io.ts';
import type { Store } from './store-url.ts';
import type { Line } from './text.ts';
import type { Found } from './where.ts';

/** The exit codes of the command. `pending`: another person has to agree. */
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

/** The answer of a verb: `--json` prints `value`; `text` says the same to people. */
export interface Answer {
  readonly value: unknown;
  readonly text: string | readonly Line[];
  /** What is said about the text: before and after it on a terminal, on stderr where a program reads stdout. */
  readonly remarks?: { readonly before: readonly string[]; readonly after: readonly string[] } | undefined;
  readonly exitCode?: ExitCode | undefined;
  /** A sentence that says what has been recorded; noted on stderr where the answer cannot be printed. */
  readonly recorded?: string | undefined;
}

/** One of many parts of an answer: `value` for machines, and the same in one line. */
export interface Item {
  readonly value: unknown;
  readonly text: string;
}

/** An answer of many parts: one line each, in JSON too. */
export interface Lines {
  readonly lines: AsyncIterable<Item>;
  /** True: lines for people go to stderr, because the product of the verb is something else (a file). */
  readonly beside?: boolean | undefined;
  /** True: the texts are the product itself, printed as they are, with `--json` too. */
  readonly exact?: boolean | undefined;
}

/** What a verb works with, beside its arguments and options. */
export interface Context {
  readonly organizationId: string;
  readonly store: Store;
  /** The folder in which this user's settings are. @throws INVALID_ARGUMENT for a user without a home */
  readonly settings: string;
  /** How the store was found. */
  readonly place: Pick<Found, 'folder' | 'profile'>;
  /** Whether `--json` was given; for verbs that print lines of text but one JSON value. */
  readonly json: boolean;
  /** Null where stdout is no terminal. */
  readonly screen: Screen | null;
  /** Null where the screen cannot be drawn again and again. */
  readonly live: LiveTerminal | null;
  /**
   * The operator's side; opened by the first call, closed when the verb has ended. `operate`: as an operating process,
   * which ends kills whose time is over; `alerts`: and sends alerts.
   */
  control(options?: { readonly operate: boolean; readonly alerts?: boolean }): Promise<ControlPlane>;
  /**
   * Makes the command lines in a sentence of ours reach the switch that was meant. Notes and errors get this by
   * themselves; the text of an answer does not, because it quotes others' words.
   */
  advice(sentence: string): string;
  /** Prints a line on stderr. */
  note(line: string): void;
  /** From now on notes are handed to this instead, since the verb draws on the whole screen; null: printed again. */
  divertNotes(to: ((line: string) => void) | null): void;
  /**
   * Prints the beginning of an answer on stdout, ahead of the rest; nothing with `--json`. `recorded`: as in an answer.
   * @throws CommandError NOT_PRINTED
   */
  say(lines: readonly Line[], recorded: string): Promise<void>;
  /** Asks whoever sits at the terminal; null where nobody does, or with `--json`. The last line is the question. */
  ask(lines: readonly string[]): Promise<string | null>;
  /** Shows progress on a terminal (stderr); each line replaces the last. */
  progress(line: string): void;
  /** Shows or notes what has been done so far, so that it is on record if the command is killed. */
  reached(line: string): void;
  /**
   * A signal that fires on Ctrl-C or SIGTERM; after the first call these no longer end the process themselves. `waits`:
   * the command still waits for the store's answer.
   */
  untilInterrupted(options?: { readonly waits: boolean }): AbortSignal;
}

/** Makes a commander action from a function that returns an answer. */
export type Perform = <A extends unknown[]>(
  run: (context: Context, ...given: A) => Promise<Answer | Lines>,
) => (...given: A) => Promise<void>;

/**
 * A verb: what it takes, and what it does. To add one, copy a file of `commands/` and a row of the table in `verbs.ts`.
 */
export type Verb = (command: Command, perform: Perform) => void;
