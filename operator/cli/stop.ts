import { Option, type Command } from 'commander';
import { type Mode, printable, shownId } from '../../flags/index.ts';
import { type Acknowledgements, allStopped, type ExecutorAcknowledgement, executorKey } from '../acknowledge.ts';
import type { KillAnswer, Status } from '../control-plane.ts';
import { CommandError } from './command-error.ts';
import { forkLines } from './forks.ts';
import { forgetCommand } from '../forget-executor.ts';
import { readReason } from '../reason.ts';
import { untilOption, waitOption } from './arguments.ts';
import { type Answer, type Context, EXIT } from './command.ts';
import { type End, formatDuration } from './duration.ts';
import { few, more } from './few.ts';
import { count, quoted, shortTime, table } from './output.ts';
import { indistinct, problems, stateText } from './tables.ts';

const NO_FORKS: Pick<Status, 'forks'> = { forks: [] };

/** The options of `kill`, `pause` and `restrict`. */
export interface StopOptions {
  readonly reason?: string;
  readonly until?: End;
  readonly wait: number;
}

/** Adds the options that `kill`, `pause` and `restrict` share. */
export const withStopOptions = (command: Command): Command =>
  command
    .addOption(new Option('--reason <text>', 'why, for whoever looks at it later'))
    .addOption(untilOption())
    .addOption(waitOption());

/** Restricts a target, waits for the executors, and shows which have obeyed. */
export async function stop(
  context: Context,
  target: string,
  mode: Mode,
  { reason, until, wait }: StopOptions,
): Promise<Answer> {
  const { reasonProblem } = readReason(reason);
  if (reasonProblem !== undefined)
    context.note(`${reasonProblem} The kill is recorded anyway, with as much of the reason as can be kept.`);
  const control = await context.control();
  const stoppedAfter = new Map<string, number>();
  const interrupted = context.untilInterrupted({ waits: true });
  const interruption = new Interruption(interrupted);
  const killing = control.kill({
    target,
    mode,
    reason,
    ...until,
    waitMs: wait,
    signal: interrupted,
    onRecorded({ epoch }) {
      interruption.recorded = true;
      if (wait > 0)
        context.reached(
          `Recorded at epoch ${epoch}. Waiting for executors to stop and drain, ${formatDuration(wait)} at most.`,
        );
    },
    onProgress(acknowledgements) {
      for (const executor of acknowledgements.executors) {
        const key = executorKey(executor);
        if (executor.state !== 'stopped') stoppedAfter.delete(key);
        else if (!stoppedAfter.has(key)) stoppedAfter.set(key, acknowledgements.elapsed_ms);
      }
      context.progress(`Recorded. ${headline(acknowledgements)}`);
    },
  });
  const answer = await Promise.race([killing, interruption.before(target)]);
  // Whoever kills in a fork must see that it is one. Failing to read the reports of forks does not undo the kill.
  const lost: Pick<Status, 'forks'> =
    answer.acknowledgements.problem === undefined ? await control.forks().catch(() => NO_FORKS) : NO_FORKS;
  const value = {
    ...answer,
    ...(lost.forks.length > 0 && { forks: lost.forks }),
    acknowledgements: {
      ...answer.acknowledgements,
      executors: answer.acknowledgements.executors.map((executor) => ({
        ...executor,
        /** How long after the recording the executor was first seen stopped and drained. */
        stopped_after_ms:
          executor.state === 'stopped'
            ? (stoppedAfter.get(executorKey(executor)) ?? answer.acknowledgements.elapsed_ms)
            : null,
      })),
    },
  };
  const done = allStopped(value.acknowledgements);
  const waited = interrupted.aborted
    ? `Interrupted after ${formatDuration(value.acknowledgements.elapsed_ms)}: `
    : wait === 0
      ? 'As of now, '
      : `After ${formatDuration(wait)}, `;
  return {
    value,
    text: [
      ...forkLines(lost, context.advice),
      [
        stands(answer, mode, context.advice),
        obeyed(value.acknowledgements),
        done ? '' : missing(value.acknowledgements, waited, context.advice),
      ]
        .filter((part) => part !== '')
        .join('\n\n'),
    ].join('\n'),
    recorded: `${shownId(target)} is ${answer.kill.mode}: that is recorded, at epoch ${answer.epoch}.`,
    exitCode: done || wait === 0 ? EXIT.done : interrupted.aborted ? EXIT.interrupted : EXIT.waitRanOut,
  };
}

/**
 * Ctrl-C or SIGTERM during a kill. Once the kill is recorded they only end the waiting; before that its outcome is
 * unknown.
 */
class Interruption {
  readonly #signal: AbortSignal;
  recorded = false;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Rejects when the interruption comes before the kill is recorded. @throws CommandError INTERRUPTED */
  before(target: string): Promise<never> {
    return new Promise((_, reject) => {
      const giveUp = (): void => {
        if (this.recorded) return;
        reject(
          new CommandError(
            'INTERRUPTED',
            `Interrupted before the store answered: the kill of ${shownId(target)} may or may not have been recorded. Look: kill-switch kills`,
          ),
        );
      };
      this.#signal.addEventListener('abort', giveUp, { once: true });
    });
  }
}

function stands({ kill, epoch, already }: KillAnswer, asked: Mode, advice: Context['advice']): string {
  const until =
    kill.expires_at === null
      ? ''
      : `, until ${shortTime(kill.expires_at)} (${advice('ends then only while kill-switch watch runs')})`;
  const who = `${shownId(kill.killed_by)} at ${shortTime(kill.killed_at)}${kill.reason === null ? '' : `: ${quoted(kill.reason)}`}`;
  const stricter = kill.mode === asked ? '' : ` You asked for ${asked}: the stricter ${kill.mode} stands.`;
  return already
    ? `${shownId(kill.target)} was already ${kill.mode}${until} (by ${who}).${stricter} Your request is recorded too, at epoch ${epoch}.`
    : `${shownId(kill.target)} is ${kill.mode}${until}, at epoch ${epoch}.${stricter}`;
}

/** One line on how many have obeyed. Exports are counted apart: writing their file stops no client by itself. */
function headline({ executors, elapsed_ms }: Pick<Acknowledgements, 'executors' | 'elapsed_ms'>): string {
  const exports = executors.filter(({ export: exported }) => exported !== undefined);
  const others = executors.filter(({ export: exported }) => exported === undefined);
  const stoppedOf = (all: typeof executors): number => all.filter(({ state }) => state === 'stopped').length;
  const [written, stopped] = [stoppedOf(exports), stoppedOf(others)];
  return [
    ...(others.length === 0 && exports.length > 0
      ? []
      : [
          `${stopped} of ${count(others.length, 'executor')} ${stopped === 1 ? 'has' : 'have'} stopped and drained after ${elapsed_ms} ms.`,
        ]),
    ...(exports.length === 0
      ? []
      : [
          `${written} of ${count(exports.length, 'export')} ${exports.length === 1 ? 'is' : 'are'} written after ${elapsed_ms} ms.`,
        ]),
  ].join(' ');
}

/** For each written export: when its clients obey. */
const clients = (executors: readonly ExecutorAcknowledgement[]): string =>
  executors
    .flatMap(({ name, export: exported, state }) =>
      exported === undefined || state !== 'stopped'
        ? []
        : [
            `\n${shownId(name)} has written ${printable(exported.file)}: its clients obey once flagd has read it, at the latest ${formatDuration(exported.stops_within_ms)} after it was written.`,
          ],
    )
    .join('');

type Shown = Omit<Acknowledgements, 'executors'> & {
  readonly executors: readonly (ExecutorAcknowledgement & { readonly stopped_after_ms: number | null })[];
};

function obeyed(acknowledgements: Shown): string {
  const { total, executors, shared_writers, problem } = acknowledgements;
  if (problem !== undefined) return `The reports of the executors could not be read: ${printable(problem)}`;
  if (total === 0)
    return 'No executor has reported here, so none is known that has to stop. If agents run, check --store and --organization.';
  const shown = few(executors);
  const rows = shown.map(({ id, name, host, pid, state, epoch, in_flight, draining, stopped_after_ms, problem }) => [
    name,
    stateText({ state, problem }),
    epoch,
    in_flight,
    draining,
    stopped_after_ms,
    `${host}/${pid}`,
    shownId(id),
  ]);
  return `${headline(acknowledgements)}\n${table(['EXECUTOR', 'STATE', 'EPOCH', 'IN FLIGHT', 'DRAINING', 'MS', 'PROCESS', 'ID'], rows)}${more(executors, shown)}${clients(shown)}${problems(shown)}${indistinct(shared_writers)}`;
}

function missing({ executors, problem }: Acknowledgements, waited: string, advice: Context['advice']): string {
  const silent = executors.filter(({ state }) => state === 'silent');
  const who =
    problem === undefined ? 'not every executor has stopped and drained' : 'nothing is known of the executors';
  const lines = [
    `${waited}${who}. The kill stands: each executor stops when it reads it, at the latest when its lease is over.`,
  ];
  for (const { name, state, export: exported } of few(executors)) {
    if (exported === undefined || state === 'stopped') continue;
    lines.push(
      `${shownId(name)} has not written ${printable(exported.file)}: its clients go on with the old text, until that ends at the latest.`,
    );
  }
  if (silent.length > 0) {
    lines.push(
      'silent: no valid report for longer than its lease; work that it has begun may go on. If its process is gone, take it out of the count:',
      ...few(silent).map((executor) => `  ${advice(forgetCommand(executor))}`),
      ...(few(silent).length < silent.length
        ? [`or all silent ones with a readable report at once: ${advice('kill-switch executors forget --silent')}`]
        : []),
    );
  }
  return lines.join('\n');
}
