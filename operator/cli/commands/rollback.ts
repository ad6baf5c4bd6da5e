import { Option } from 'commander';
import { printable, shellWord, shownId } from '../../../flags/index.ts';
import { allStopped } from '../../acknowledge.ts';
import type { RollbackAnswer, RollbackPreview } from '../../answers.ts';
import { isUndone } from '../../rollback-outcomes.ts';
import { durationOption, IdArgument, waitOption } from '../arguments.ts';
import { type Answer, type Context, EXIT, type ExitCode, type Verb } from '../command.ts';
import { formatDuration, parseSince } from '../duration.ts';
import { headline } from '../heard.ts';
import { SCREEN_ROWS } from '../list-options.ts';
import { forAll, formOf } from '../listing.ts';
import { count } from '../output.ts';
import { rollbackColumns } from '../run-tables.ts';
import { tableLines } from '../table.ts';

interface Options {
  readonly agent?: string;
  readonly mission?: string;
  readonly since?: Date;
  readonly dryRun?: boolean;
  readonly reason?: string;
  readonly wait: number;
  readonly each: number;
  readonly hash?: string;
  readonly takeOver?: boolean;
}

export const verb: Verb = (command, perform) => {
  command
    .addArgument(new IdArgument('[run]', 'the id of a run, as runs shows it'))
    .addOption(new Option('--agent <id>', 'in place of a run: all that this agent has done; only with --since'))
    .addOption(new Option('--mission <id>', 'in place of a run: all that was done for this mission'))
    .addOption(
      new Option(
        '--since <time>',
        'only what was begun from then on: how long ago (2h), or a time (RFC 3339)',
      ).argParser((text) => parseSince(text, Date.now())),
    )
    .addOption(new Option('--dry-run', 'show what would be undone; stops and changes nothing'))
    .addOption(new Option('--reason <text>', 'why it is undone; required'))
    .addOption(waitOption())
    .addOption(durationOption('each', 'how long each reverse operation may take', 30_000, '30s'))
    .addOption(new Option('--hash <hash>', 'what --dry-run has shown: refused where there is something else to undo'))
    .addOption(new Option('--take-over', 'have another executor go on with a rollback that is under way'))
    .action(
      perform(async (context, run: string | undefined, options: Options): Promise<Answer> => {
        const { agent, mission, since, dryRun } = options;
        const scope = { run, agent, mission, since };
        const control = await context.control();
        return dryRun ? preview(context, await control.previewRollback(scope)) : rollBack(context, scope, options);
      }),
    );
};

type Scope = { readonly [K in 'run' | 'agent' | 'mission']: string | undefined } & { readonly since: Date | undefined };

/** What was typed of a scope, as it is typed again. */
const scopeWords = ({ target, since }: RollbackPreview): string => {
  const at = target.indexOf(':');
  const [type, id] = [target.slice(0, at), shellWord(target.slice(at + 1))];
  return `${type === 'run' ? id : `--${type} ${id}`}${since === null ? '' : ` --since ${since}`}`;
};

/** All effects; on a terminal only as many as lists have there. */
const shownOf = ({ screen }: Context, { actions }: RollbackPreview) =>
  screen === null ? actions : actions.slice(0, SCREEN_ROWS);

const tableOf = (context: Context, found: RollbackPreview) =>
  tableLines(rollbackColumns(), shownOf(context, found), formOf(context, {}));

/** What is not shown, by what became of it. */
function restOf(context: Context, found: RollbackPreview): string[] {
  const rest = found.actions.slice(shownOf(context, found).length);
  if (rest.length === 0) return [];
  const outcomes = [...new Set(rest.map(({ outcome }) => outcome))];
  const counts = outcomes.map((each) => `${rest.filter(({ outcome }) => outcome === each).length} ${each}`);
  return [`… and ${rest.length} more (${counts.join(', ')}): ${forAll(context, {}, 'limit')}`];
}

function preview(context: Context, found: RollbackPreview): Answer {
  const left = found.actions.filter(({ outcome }) => outcome === 'reversible').length;
  return {
    value: found,
    text: tableOf(context, found),
    remarks: {
      before: [
        `${shownId(found.target)} has done this, the last first; ${left} of ${found.actions.length} would be undone:`,
      ],
      after: [
        ...restOf(context, found),
        context.advice(
          `To stop it and undo that: kill-switch rollback ${scopeWords(found)} --hash ${found.hash} --reason "…"`,
        ),
      ],
    },
  };
}

async function rollBack(context: Context, scope: Scope, options: Options): Promise<Answer> {
  const { reason, wait, each, hash, takeOver } = options;
  const control = await context.control();
  const signal = context.untilInterrupted({ waits: true });
  let recorded: string | undefined;
  const answer = await control.rollback({
    ...scope,
    ...{ reason, waitMs: wait, timeoutMs: each, hash, takeOver, signal },
    onProgress: (heard) => context.progress(`Stopping. ${headline(heard)}`),
    onBegun({ epoch, performer, id, count: effects }) {
      recorded = `The rollback ${id} is recorded, at epoch ${epoch}; the executor ${shownId(performer.name)} performs it.`;
      context.reached(`${recorded} It has ${count(effects, 'effect')} to look at.`);
    },
  });
  return {
    value: answer,
    text: tableOf(context, answer),
    remarks: { before: [titleOf(answer)], after: afterwards(context, answer, wait) },
    exitCode: exitCode(answer, signal.aborted),
    recorded: recorded ?? `${shownId(answer.target)} is stopped.`,
  };
}

function titleOf({ target, actions }: RollbackAnswer): string {
  const reversed = actions.filter(({ outcome }) => outcome === 'reversed').length;
  const before = actions.filter(({ outcome }) => outcome === 'already_reversed').length;
  const done = before === 0 ? `${reversed}` : `${reversed} (and ${before} before)`;
  return `${shownId(target)} is stopped. ${done} of ${count(actions.length, 'effect')} undone, the last first:`;
}

function afterwards(context: Context, answer: RollbackAnswer, wait: number): string[] {
  const { actions, stopped, target, acknowledgements } = answer;
  const lines = restOf(context, answer);
  if (stopped !== null) lines.push(`No more was tried: ${printable(stopped)}.`);
  if (acknowledgements && !allStopped(acknowledgements))
    lines.push(`${headline(acknowledgements)} Waited ${formatDuration(wait)}: nothing was undone yet.`);
  if (!isUndone(actions))
    lines.push(context.advice(`To try again: kill-switch rollback ${scopeWords(answer)} --reason "…"`));
  lines.push(context.advice(`To let it go on: kill-switch revive ${shellWord(target)} --reason "…"`));
  return lines;
}

function exitCode({ actions, acknowledgements }: RollbackAnswer, isInterrupted: boolean): ExitCode {
  if (isUndone(actions)) return EXIT.done;
  if (isInterrupted) return EXIT.interrupted;
  return acknowledgements && !allStopped(acknowledgements) ? EXIT.waitRanOut : EXIT.failed;
}
