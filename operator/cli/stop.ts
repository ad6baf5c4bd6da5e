import type { Command } from 'commander';
import { type Mode, shellWord, shownId } from '../../flags/index.ts';
import type { KillAnswer, RecordedKill } from '../answers.ts';
import { readReason } from '../reason.ts';
import { untilOption } from './arguments.ts';
import type { Answer, Context } from './command.ts';
import type { End } from './duration.ts';
import { quoted, shortTime } from './output.ts';
import { reasonOfStop, type Stop, stopping, withWaiting } from './stopping.ts';

/** The options of `kill`, `pause` and `restrict`. */
export interface StopOptions {
  readonly reason?: string;
  readonly until?: End;
  readonly wait: number;
}

/** Adds the options that `kill`, `pause` and `restrict` share. */
export const withStopOptions = (command: Command): Command =>
  withWaiting(command.addOption(reasonOfStop()).addOption(untilOption()));

/** What is asked of each target, and the command that would ask it of another. */
export interface Asked {
  readonly mode: Mode;
  readonly again: (target: string) => string;
}

/** Restricts targets, waits for the executors once for all, and shows what was hit and who has obeyed. */
export async function stop(
  context: Context,
  targets: readonly string[],
  { mode, again, reason, until, wait }: Asked & StopOptions,
): Promise<Answer> {
  const { reasonProblem } = readReason(reason);
  if (reasonProblem !== undefined)
    context.note(`${reasonProblem} The kill is recorded anyway, with as much of the reason as can be kept.`);
  const control = await context.control();
  const rest = `${until ? ` --until ${endText(until)}` : ''}${reason === undefined ? '' : ` --reason ${shellWord(reason)}`}`;
  const stops = [...new Set(targets)].map(
    (target): Stop<KillAnswer, RecordedKill> => ({
      what: shownId(target),
      isEverything: target === 'all',
      again: (near) => `${again(near)}${rest}`,
      begin: (options) => control.kill({ target, mode, reason, ...until, ...options }),
      says: (told) => stands({ target, mode, reason }, told, context.advice),
    }),
  );
  const shape = (kills: readonly unknown[]): unknown => (stops.length === 1 ? kills[0] : { kills });
  return stopping(context, stops, { wait, shape });
}

/** An end as it can be typed again. */
const endText = (end: End): string => ('expiresAt' in end ? end.expiresAt : `${end.lastsMs}ms`);

/** What was asked of one target. */
interface What {
  readonly target: string;
  readonly mode: Mode;
  readonly reason: string | undefined;
}

function stands(
  { target, mode: asked, reason }: What,
  { kill, epoch, already }: RecordedKill,
  advice: Context['advice'],
): string {
  if (!kill) return `${shownId(target)} was restricted, at epoch ${epoch}, and has been revived since.`;
  const until =
    kill.expires_at === null
      ? ''
      : `, until ${shortTime(kill.expires_at)} (${advice('ends then only while kill-switch watch runs')})`;
  const who = `${shownId(kill.killed_by)} at ${shortTime(kill.killed_at)}${kill.reason === null ? '' : `: ${quoted(kill.reason)}`}`;
  const stricter = kill.mode === asked ? '' : ` You asked for ${asked}: the stricter ${kill.mode} stands.`;
  const again =
    kill.reason === reason || reason === undefined ? '' : `, with its reason (${advice('kill-switch log')})`;
  return already
    ? `${shownId(kill.target)} was already ${kill.mode}${until} (by ${who}).${stricter} Your request is recorded too, at epoch ${epoch}${again}.`
    : `${shownId(kill.target)} is ${kill.mode}${until}, at epoch ${epoch}.${stricter}`;
}
