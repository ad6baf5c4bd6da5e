import { shownId } from '../../../flags/index.ts';
import { Argument } from 'commander';
import type { Verb } from '../command.ts';
import { CommandError } from '../command-error.ts';

export const verb: Verb = (command, perform) => {
  // Any id: one that nobody can report under, too, was written by somebody and must be removable.
  command
    .addArgument(new Argument('<id>', 'the id of an executor, as it is shown'))
    .option(
      '--writer <writer>',
      'only what this one has written: "name mailer", "uid 1000" (several may report one id)',
    )
    .action(
      perform(async (context, id: string, { writer }: { readonly writer?: string }) => {
        const control = await context.control();
        const { executors } = await control.status();
        const has = (shown: string | null, given: string): boolean =>
          shown !== null && (shown === given || shownId(shown) === given);
        const found = executors.filter(
          (each) => has(each.id, id) && (writer === undefined || has(each.writer, writer)),
        );
        const executor = found.find((each) => each.id === id) ?? found[0];
        if (!executor) {
          throw new CommandError(
            'NOT_FOUND',
            `There is no executor ${JSON.stringify(id)}${writer === undefined ? '' : ` of ${JSON.stringify(writer)}`}. See their ids: kill-switch executors`,
          );
        }
        await control.forgetExecutor(executor.id, writer === undefined ? {} : { writer: executor.writer ?? undefined });
        return {
          value: { forgotten: executor },
          text: `${shownId(executor.name)} (${shownId(executor.id)}) is out of the count. If it still runs, it comes back with its next report.`,
        };
      }),
    );
};
