import { Option, type Command } from 'commander';
import { isKillSwitchError, shownId } from '../../flags/index.ts';
import { type Acknowledgements, allStopped } from '../acknowledge.ts';
import type { ChangeAnswer } from '../answers.ts';
import type { WaitOptions } from '../given/change.ts';
import type { Matched } from '../matched.ts';
import { waitOption } from './arguments.ts';
import { Beginnings } from './beginnings.ts';
import { type Answer, type Context, EXIT, type ExitCode } from './command.ts';
import { formatDuration } from './duration.ts';
import { headline, heardLines } from './heard.ts';
import type { Aimed } from './hits.ts';
import { Interruption } from './interruption.ts';
import { wordsOf } from './error-words.ts';
import { formOf } from './listing.ts';
import { count, withoutCredentials } from './output.ts';
import type { Line } from './text.ts';
import { StoppedAfter, together } from './together.ts';

/** What the operator's side answers to a change that takes authority away; without `matched` it has taken none. */
export interface Stopped extends ChangeAnswer {
  readonly matched?: Matched | undefined;
  readonly acknowledgements?: Acknowledgements | undefined;
  readonly replicas?: number | null | undefined;
  readonly replicated?: number | null | undefined;
}

/** One change that may take authority away, and what is said of it. */
export interface Stop<A extends Stopped, Told extends ChangeAnswer> extends Pick<Aimed, 'what' | 'again' | 'setsUp'> {
  readonly begin: (options: WaitOptions<Told>) => Promise<A>;
  /** One sentence on what is recorded. */
  readonly says: (told: Told) => string;
  /** True for a change that reaches everybody. */
  readonly isEverything?: boolean | undefined;
  /** True for a change that only concerns what starts from then on. */
  readonly endsNothing?: true | undefined;
}

/** How stops are answered. `shape`: the value of `--json`, from the answers. */
export interface StopAnswer<A> {
  readonly wait: number;
  readonly shape: (answers: readonly A[]) => unknown;
}

export const withWaiting = (command: Command): Command => command.addOption(waitOption());

export const reasonOfStop = (): Option => new Option('--reason <text>', 'why, for whoever looks at it later');

/**
 * Carries out changes that may take authority away, all at once, and waits for the executors. What each has hit is
 * printed as soon as that is known; then who has obeyed. Ctrl-C ends the waiting: what is recorded stands.
 */
export async function stopping<A extends Stopped, Told extends ChangeAnswer>(
  context: Context,
  stops: readonly Stop<A, Told>[],
  { wait, shape }: StopAnswer<A>,
): Promise<Answer> {
  const control = await context.control();
  const interrupted = context.untilInterrupted({ waits: true });
  const interruption = new Interruption(interrupted, stops.map(({ what }) => what).join(', '));
  const place = `${context.store.location}, organization ${shownId(context.organizationId)}`;
  const beginnings = new Beginnings(
    context,
    stops.map(({ what, again, isEverything = false, endsNothing = false, setsUp }) => {
      return { place, what, again, isEverything, endsWork: !endsNothing, setsUp };
    }),
  );
  const endsWork = stops.some(({ endsNothing }) => endsNothing !== true);
  const seen = new StoppedAfter();
  const epochs: number[] = [];
  let isWaiting = false;
  const begun = stops.map((stop, at) =>
    stop.begin({
      waitMs: wait,
      signal: interrupted,
      onRecorded(told) {
        interruption.recorded = true;
        epochs.push(told.epoch);
        beginnings.recordedAt(at, stop.says(told));
      },
      onMatched: (matched) => beginnings.matchedAt(at, matched, control),
      onProgress(acknowledgements) {
        if (wait > 0 && !isWaiting) {
          isWaiting = true;
          context.reached(
            `Recorded at epoch ${epochs.join(', ')}. Waiting for executors to stop and drain, ${formatDuration(wait)} at most.`,
          );
        }
        seen.look(acknowledgements);
        context.progress(`Recorded. ${headline(acknowledgements, endsWork)}`);
      },
    }),
  );
  const settled = await Promise.race([Promise.allSettled(begun), interruption.before()]);
  const answers = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const failures = settled.flatMap((each, at): Failure[] =>
    each.status === 'rejected' ? [{ what: stops[at]?.what ?? '', error: each.reason }] : [],
  );
  if (answers.length === 0) {
    for (const { what, error } of failures.slice(1)) context.note(`${what}: ${wordsOf(error)}`);
    throw failures[0]?.error;
  }
  const heard = together(answers.flatMap(({ acknowledgements }) => acknowledgements ?? []));
  const { recorded } = beginnings;
  if (!heard) return { value: shape(answers), text: recorded, recorded };
  const forks = await beginnings.end();
  const value = shape(
    answers.map((answer) => ({
      ...answer,
      ...(forks.length > 0 && { forks }),
      ...(answer.acknowledgements && { acknowledgements: seen.shown(answer.acknowledgements) }),
    })),
  );
  const waited = { ms: wait, isInterrupted: interrupted.aborted };
  const showing = { form: formOf(context, {}), advice: context.advice };
  const text = [
    ...replicationLines(answers),
    ...heardLines(seen.shown(heard), { ...waited, endsWork }, showing),
    ...ending(waited, context),
  ];
  const done = { value, text, recorded, exitCode: exitCode(allStopped(heard), waited) };
  return failures.length === 0 ? done : { ...done, ...partly(value, text, failures, context.advice) };
}

/** A stop that was refused, or of which it is not known whether it was recorded. */
interface Failure {
  readonly what: string;
  readonly error: unknown;
}

/** What of the answer is another one where some stops are recorded and others have failed. */
function partly(value: unknown, text: readonly Line[], failures: readonly Failure[], advice: Context['advice']) {
  const failed = failures.map(({ what, error }) => ({
    target: what,
    detail: withoutCredentials(advice(wordsOf(error))),
    code: isKillSwitchError(error) ? error.code : 'INTERNAL',
  }));
  return {
    value: { ...Object(value), failed },
    text: [...text, '', ...failed.map(({ target, detail }) => `Failed: ${target}: ${detail}`)],
    exitCode: EXIT.failed,
  };
}

/** How long a command was to wait, in milliseconds, and whether Ctrl-C has ended that. */
interface Waited {
  readonly ms: number;
  readonly isInterrupted: boolean;
}

/** Said where there are replicas: of several stops, of the one that the fewest have. */
function replicationLines(answers: readonly Stopped[]): Line[] {
  const replicas = Math.max(...answers.map((answer) => answer.replicas ?? 0));
  const replicated = Math.min(...answers.map((answer) => answer.replicated ?? 0));
  if (replicas === 0) return [];
  const has = `${replicated} of ${count(replicas, 'replica')} of the store ${replicated === 1 ? 'has' : 'have'} it.`;
  return ['', replicated > 0 ? has : `${has} If its master is lost now, so may this be: look after a failover.`];
}

const ending = ({ isInterrupted }: Waited, { advice }: Context): string[] =>
  isInterrupted ? ['', advice('The stop stands. See who obeys: kill-switch executors')] : [];

function exitCode(done: boolean, { ms, isInterrupted }: Waited): ExitCode {
  if (isInterrupted) return EXIT.interrupted;
  return done || ms === 0 ? EXIT.done : EXIT.waitRanOut;
}
