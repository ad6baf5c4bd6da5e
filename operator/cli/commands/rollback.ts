import { Option } from 'commander';
import { invalid, isKillSwitchError, printable, shellWord, shownId } from '../../../flags/index.ts';
import { allStopped } from '../../acknowledge.ts';
import type { RollbackAnswer, RollbackFound, RollbackPreview } from '../../answers.ts';
import type { Matched } from '../../matched.ts';
import { isUndone } from '../../rollback-outcomes.ts';
import { durationOption, IdArgument, waitOption } from '../arguments.ts';
import { type Answer, type Context, EXIT, type ExitCode, type Verb } from '../command.ts';
import { formatDuration, parseSince } from '../duration.ts';
import { headline } from '../heard.ts';
import { warnings } from '../hits.ts';
import { SCREEN_ROWS } from '../list-options.ts';
import { forAll, formOf } from '../listing.ts';
import { count } from '../output.ts';
import { scopeIn, type TypedScope } from '../run-words.ts';
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
    .addArgument(new IdArgument('[target]', 'the id of a run, as runs shows it, or run:ID, mission:ID, agent:ID'))
    .addOption(new Option('--agent <id>', 'in place of a run: all that this agent has done; only with --since'))
    .addOption(new Option('--mission <id>', 'in place of a run: all that was done for this mission'))
    .addOption(
      new Option(
        '--since <time>',
        'only what was begun from then on: how long ago (2h), or a time (RFC 3339)',
      ).argParser((text) => parseSince(text, Date.now())),
    )
    .addOption(new Option('--dry-run', 'only show what would be undone: the target goes on, and nothing is changed'))
    .addOption(new Option('--reason <text>', 'why it is undone; required'))
    .addOption(waitOption())
    .addOption(durationOption('each', 'how long each reverse operation may take', 30_000, '30s'))
    .addOption(new Option('--hash <hash>', 'what --dry-run has shown: refused where there is something else to undo'))
    .addOption(new Option('--take-over', 'have another executor go on with a rollback that is under way'))
    .action(
      perform(async (context, typed: string | undefined, options: Options): Promise<Answer> => {
        const { since, dryRun } = options;
        const scope = { ...scopeOf(typed, options), since };
        const control = await context.control();
        return dryRun ? preview(context, await control.previewRollback(scope)) : rollBack(context, scope, options);
      }),
    );
};

type Scope = TypedScope & { readonly since: Date | undefined };

/** What was typed as an argument and as options: two of them are refused with the scope. */
function scopeOf(typed: string | undefined, { agent, mission }: Options): TypedScope {
  if (typed === undefined) return { agent, mission };
  const scope = scopeIn(typed);
  if (agent !== undefined || mission !== undefined)
    throw invalid('A rollback undoes what one run, one mission or one agent has done: name it once.');
  return scope;
}

/** A scope as it is typed. */
const scopeWords = ({ target, since }: Pick<RollbackFound, 'target' | 'since'>): string =>
  `${shellWord(target)}${since === null ? '' : ` --since ${since}`}`;

/** All effects; on a terminal only as many as lists have there. */
const shownOf = ({ screen }: Context, { actions }: RollbackFound) =>
  screen === null ? actions : actions.slice(0, SCREEN_ROWS);

const tableOf = (context: Context, found: RollbackFound) =>
  tableLines(rollbackColumns(), shownOf(context, found), formOf(context, {}));

/** What is not shown, by what became of it. */
function restOf(context: Context, found: RollbackFound): string[] {
  const rest = found.actions.slice(shownOf(context, found).length);
  if (rest.length === 0) return [];
  const outcomes = [...new Set(rest.map(({ outcome }) => outcome))];
  const counts = outcomes.map((each) => `${rest.filter(({ outcome }) => outcome === each).length} ${each}`);
  return [`… and ${rest.length} more (${counts.join(', ')}): ${forAll(context, {}, 'limit')}`];
}

function preview(context: Context, found: RollbackPreview): Answer {
  const { actions, able, performer, problem } = found;
  const by = performer === null ? '' : ` by the executor ${shownId(performer.name)}`;
  return {
    value: found,
    text: tableOf(context, found),
    remarks: {
      before: [
        `${shownId(found.target)} has done this, the last first; ${able} of ${actions.length} would be undone${by}:`,
      ],
      after: [
        ...restOf(context, found),
        ...(problem === null ? [] : [`Now nothing would be undone: ${printable(problem)}.`]),
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
  let matched: Matched | undefined;
  const rolling = control.rollback({
    ...scope,
    ...{ reason, waitMs: wait, timeoutMs: each, hash, takeOver, signal },
    onMatched(found) {
      matched = found;
    },
    onProgress: (heard) => context.progress(`Stopping. ${headline(heard)}`),
    onBegun({ epoch, performer, id, count: effects }) {
      recorded = `The rollback ${id} is recorded, at epoch ${epoch}; the executor ${shownId(performer.name)} performs it.`;
      context.reached(`${recorded} It has ${count(effects, 'effect')} to look at.`);
    },
  });
  const answer = await rolling.catch((error: unknown) => {
    if (matched && isKillSwitchError(error) && error.code === 'NOT_FOUND') noteUnknown(context, scope, matched);
    throw error;
  });
  return {
    value: answer,
    text: tableOf(context, answer),
    remarks: { before: [titleOf(answer)], after: afterwards(context, answer, wait) },
    exitCode: exitCode(answer, signal.aborted),
    recorded: recorded ?? `${shownId(answer.target)} is stopped.`,
  };
}

/** What was stopped is in no journal: that it may be a name that nobody knows is said as `kill` says it. */
function noteUnknown(context: Context, { run, mission, agent, since }: Scope, matched: Matched): void {
  const what = shownId(
    run !== undefined ? `run:${run}` : mission !== undefined ? `mission:${mission}` : `agent:${agent}`,
  );
  const place = `${context.store.location}, organization ${shownId(context.organizationId)}`;
  const again = (near: string): string | null => {
    const [type] = near.split(':', 1);
    if (type !== 'run' && type !== 'mission' && type !== 'agent') return null;
    const from = since?.toISOString() ?? (type === 'agent' ? 'TIME' : null);
    return `kill-switch rollback ${scopeWords({ target: near, since: from })} --reason "…"`;
  };
  const aimed = { place, what, isEverything: false, endsWork: true, again };
  for (const line of warnings(matched, aimed, (sentence) => sentence)) context.note(line);
}

function titleOf({ target, actions, goes_on }: RollbackAnswer): string {
  const reversed = actions.filter(({ outcome }) => outcome === 'reversed').length;
  const before = actions.filter(({ outcome }) => outcome === 'already_reversed').length;
  const done = before === 0 ? `${reversed}` : `${reversed} (and ${before} before)`;
  const far = goes_on ? 'undone so far' : 'undone';
  return `${shownId(target)} is stopped. ${done} of ${count(actions.length, 'effect')} ${far}, the last first:`;
}

function afterwards(context: Context, answer: RollbackAnswer, wait: number): string[] {
  const { actions, stopped, target, acknowledgements, goes_on } = answer;
  const lines = restOf(context, answer);
  if (stopped !== null) lines.push(`${goes_on ? 'It is not over' : 'No more was tried'}: ${printable(stopped)}.`);
  if (acknowledgements && !allStopped(acknowledgements))
    lines.push(`${headline(acknowledgements)} Waited ${formatDuration(wait)}: nothing was undone yet.`);
  if (!isUndone(actions))
    lines.push(
      context.advice(
        `${goes_on ? 'To wait for it' : 'To try again'}: kill-switch rollback ${scopeWords(answer)} --reason "…"`,
      ),
    );
  lines.push(context.advice(`To let it go on: kill-switch revive ${shellWord(target)} --reason "…"`));
  return lines;
}

function exitCode({ actions, acknowledgements }: RollbackAnswer, isInterrupted: boolean): ExitCode {
  if (isUndone(actions)) return EXIT.done;
  if (isInterrupted) return EXIT.interrupted;
  return acknowledgements && !allStopped(acknowledgements) ? EXIT.waitRanOut : EXIT.failed;
}
