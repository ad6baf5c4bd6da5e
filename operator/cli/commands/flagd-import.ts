import { isKillSwitchError } from '../../../flags/index.ts';
import { epochOption, reasonOption } from '../arguments.ts';
import { CommandError, type Verb } from '../command.ts';
import { count, printable } from '../output.ts';
import { readJson } from '../read-definition.ts';

export const verb: Verb = (command, perform) => {
  command
    .argument('<file>', "a flagd definition of the app's ordinary flags; it replaces the one before")
    .addOption(reasonOption())
    .addOption(epochOption())
    .action(
      perform(async (context, file: string, { reason, epoch }: { reason?: string; epoch?: number }) => {
        const definition = await readJson(file);
        const control = await context.control();
        const answer = await control.setFlags({ definition, reason, epoch }).catch((error: unknown) => {
          if (!isKillSwitchError(error) || error.code !== 'INVALID_ARGUMENT') throw error;
          throw new CommandError('INVALID_DEFINITION', `The file ${printable(file)}: ${error.message}`, {
            cause: error,
          });
        });
        const flags = Object.keys((definition as { readonly flags: object }).flags);
        return {
          value: { flags, ...answer },
          text: `${count(flags.length, 'ordinary flag')} served from now on, at epoch ${answer.epoch}.`,
        };
      }),
    );
};
