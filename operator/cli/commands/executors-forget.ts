import { shownId } from '../../../flags/index.ts';
import { Argument } from 'commander';
import type { Verb } from '../command.ts';
import { CommandError } from '../command-error.ts';

export const verb: Verb = (command, perform) => {
  // Any id: one that nobody can report under, too, was written by somebody and must be removable.
  command.addArgument(new Argument('<id>', 'the id of an executor, as it is shown')).action(
    perform(async (context, id: string) => {
      const control = await context.control();
      const { executors } = await control.status();
      const executor = executors.find((each) => each.id === id) ?? executors.find((each) => shownId(each.id) === id);
      if (!executor) {
        throw new CommandError(
          'NOT_FOUND',
          `There is no executor ${JSON.stringify(id)}. See their ids: kill-switch executors`,
        );
      }
      await control.forgetExecutor(executor.id);
      return {
        value: { forgotten: executor },
        text: `${shownId(executor.name)} (${shownId(executor.id)}) is out of the count. If it still runs, it comes back with its next report.`,
      };
    }),
  );
};
