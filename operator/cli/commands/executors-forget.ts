import { invalid, isKillSwitchError, shownId } from '../../../flags/index.ts';
import { Argument } from 'commander';
import type { ControlPlane } from '../../control-plane.ts';
import type { ExecutorAcknowledgement } from '../../acknowledge.ts';
import { forgetCommand, noExecutor } from '../../forget-executor.ts';
import type { Context, Verb } from '../command.ts';

interface Options {
  readonly writer?: string;
  readonly silent?: boolean;
}

export const verb: Verb = (command, perform) => {
  // Any id is taken: also an invalid one may have been written, and must be removable.
  command
    .addArgument(new Argument('[executor]', 'its id or the beginning of that, as it is shown, or its name'))
    .option(
      '--writer <writer>',
      'only the executor that this writer reports: "name mailer", "uid 1000" (several writers may report under one id)',
    )
    .option(
      '--silent',
      'all that are silent now, except those whose reports do not count: forget each of these by its id',
    )
    .action(
      perform(async (context, typed: string | undefined, { writer, silent = false }: Options) => {
        if (silent === (typed !== undefined))
          throw invalid(
            `Say whom to forget: ${silent ? 'one executor, or --silent' : 'an executor, or --silent for all that are silent'}. See them: kill-switch executors`,
          );
        const control = await context.control();
        const { executors } = await control.status();
        const some = executors.filter((each) => writer === undefined || has(each.writer, writer));
        if (typed === undefined) return forgetSilent(context, control, some);
        const executor = whichOf(some, typed, writer);
        await control.forgetExecutor(executor.id, writer === undefined ? {} : { writer: executor.writer ?? undefined });
        return {
          value: { forgotten: executor },
          text: `${shownId(executor.name)} (${shownId(executor.id)}) is out of the count. If it still runs, it comes back with its next report.`,
        };
      }),
    );
};

/** The shortest beginning of an id that is taken for it. */
const SHORTEST_BEGINNING = 4;

const has = (shown: string | null, given: string): boolean =>
  shown !== null && (shown === given || shownId(shown) === given);

/** The executor of this id; else the one whose id begins so, or that has this name. @throws KillSwitchError */
function whichOf(
  executors: readonly ExecutorAcknowledgement[],
  typed: string,
  writer: string | undefined,
): ExecutorAcknowledgement {
  const byId = executors.find(({ id }) => id === typed) ?? executors.find(({ id }) => has(id, typed));
  if (byId) return byId;
  const meant = executors.filter(
    ({ id, name }) => has(name, typed) || (typed.length >= SHORTEST_BEGINNING && id.startsWith(typed)),
  );
  // One that still reports would come back with its next report: a name that a silent one has too is the silent one's.
  const silent = meant.filter(({ state }) => state === 'silent');
  const [one, ...others] = silent.length > 0 ? silent : meant;
  if (!one) throw noExecutor(typed, writer);
  if (others.length === 0) return one;
  throw invalid(
    `${others.length + 1} executors may be meant by ${shownId(typed)}. Name one by its id:\n${[one, ...others].map((each) => `  ${forgetCommand(each)}`).join('\n')}`,
  );
}

/** An executor whose report cannot be read, or whose clock is wrong, may well be running: a person looks at each. */
async function forgetSilent({ advice }: Context, control: ControlPlane, executors: readonly ExecutorAcknowledgement[]) {
  const silent = executors.filter(({ state }) => state === 'silent');
  const forgotten = silent.filter(({ problem }) => problem === undefined);
  for (const { id, writer } of forgotten) {
    await control.forgetExecutor(id, { writer: writer ?? undefined }).catch((error: unknown) => {
      // It has left meanwhile, or another operator has taken it out.
      if (!isKillSwitchError(error) || error.code !== 'NOT_FOUND') throw error;
    });
  }
  const left = silent.length - forgotten.length;
  const rest =
    left === 0
      ? ''
      : `\n${left} more silent ${left === 1 ? 'one has a report that does' : 'ones have reports that do'} not count, and may be running: forget each by its id. See why: ${advice('kill-switch executors')}`;
  return {
    value: { forgotten, left },
    text: `${forgotten.length} silent ${forgotten.length === 1 ? 'executor is' : 'executors are'} out of the count. One that still runs comes back with its next report.${rest}`,
  };
}
