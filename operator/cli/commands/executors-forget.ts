import { invalid, isKillSwitchError, shownId } from '../../../flags/index.ts';
import { Argument } from 'commander';
import type { ControlPlane } from '../../control-plane.ts';
import type { ExecutorAcknowledgement } from '../../acknowledge.ts';
import { noExecutor } from '../../forget-executor.ts';
import type { Context, Verb } from '../command.ts';

interface Options {
  readonly writer?: string;
  readonly silent?: boolean;
}

export const verb: Verb = (command, perform) => {
  // Any id is taken: also an invalid one may have been written, and must be removable.
  command
    .addArgument(new Argument('[id]', 'the id of an executor, as it is shown'))
    .option(
      '--writer <writer>',
      'only the executor that this writer reports: "name mailer", "uid 1000" (several writers may report under one id)',
    )
    .option(
      '--silent',
      'all that are silent now, except those whose reports do not count: forget each of these by its id',
    )
    .action(
      perform(async (context, id: string | undefined, { writer, silent = false }: Options) => {
        if (silent === (id !== undefined))
          throw invalid(
            `Say whom to forget: ${silent ? 'one executor, or --silent' : 'the id of an executor, or --silent for all that are silent'}. See them: kill-switch executors`,
          );
        const control = await context.control();
        const { executors } = await control.status();
        const some = executors.filter((each) => writer === undefined || has(each.writer, writer));
        if (id === undefined) return forgetSilent(context, control, some);
        const found = some.filter((each) => has(each.id, id));
        const executor = found.find((each) => each.id === id) ?? found[0];
        if (!executor) throw noExecutor(id, writer);
        await control.forgetExecutor(executor.id, writer === undefined ? {} : { writer: executor.writer ?? undefined });
        return {
          value: { forgotten: executor },
          text: `${shownId(executor.name)} (${shownId(executor.id)}) is out of the count. If it still runs, it comes back with its next report.`,
        };
      }),
    );
};

const has = (shown: string | null, given: string): boolean =>
  shown !== null && (shown === given || shownId(shown) === given);

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
