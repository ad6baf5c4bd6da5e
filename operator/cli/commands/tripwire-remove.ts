import { shownId } from '../../../flags/index.ts';
import { breakGlassOption, epochOption, nameArgument, reasonOption } from '../arguments.ts';
import type { Verb } from '../command.ts';

interface Typed {
  readonly reason?: string;
  readonly epoch?: number;
  readonly breakGlass?: true;
}

export const verb: Verb = (command, perform) => {
  command
    .addArgument(nameArgument('name', 'the name of a tripwire'))
    .addOption(reasonOption())
    .addOption(epochOption())
    .addOption(breakGlassOption())
    .action(
      perform(async (context, name: string, options: Typed) => {
        const answer = await (await context.control()).removeTripwire({ name, ...options });
        return {
          value: { tripwire: name, ...answer },
          text: `Removed: the tripwire ${shownId(name)}, at epoch ${answer.epoch}.`,
        };
      }),
    );
};
