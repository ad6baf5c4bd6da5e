import { nameArgument } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { printable } from '../output.ts';

export const verb: Verb = (command, perform) => {
  command.addArgument(nameArgument('id', 'the id of an executor')).action(
    perform(async (context, id: string) => {
      const control = await context.control();
      const { executors } = await control.status();
      const executor = executors.find((each) => each.id === id);
      if (!executor) {
        throw new CommandError(
          'NOT_FOUND',
          `There is no executor ${JSON.stringify(id)}. See their ids: kill-switch executors`,
        );
      }
      await control.forgetExecutor(id);
      return {
        value: { forgotten: executor },
        text: `${printable(executor.name)} (${printable(id)}) is out of the count. If it still runs, it comes back with its next report.`,
      };
    }),
  );
};
