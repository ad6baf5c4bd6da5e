import { shownId } from '../../../flags/index.ts';
import type { ChangeOptions } from '../../given/change.ts';
import { breakGlassOption, epochOption, nameArgument, reasonOption } from '../arguments.ts';
import type { Verb } from '../command.ts';

export const verb: Verb = (command, perform) => {
  command
    .addArgument(nameArgument('name', 'the name of a rule'))
    .addOption(reasonOption())
    .addOption(epochOption())
    .addOption(breakGlassOption())
    .action(
      perform(async (context, name: string, options: ChangeOptions) => {
        const value = await (await context.control()).removeRule({ name, ...options });
        const text = `The rule ${shownId(name)} is removed, at epoch ${value.epoch}.`;
        return { value: { name, ...value }, text, recorded: text };
      }),
    );
};
