import { messageOf, printable } from '../../../flags/index.ts';
import { parseFlagsDefinition } from '../../flags-definition.ts';
import { epochOption, reasonOption } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { count } from '../output.ts';
import { readJson } from '../read-definition.ts';

export const verb: Verb = (command, perform) => {
  command
    .argument('<file>', "a flagd definition of the app's ordinary flags; it replaces the one before")
    .addOption(reasonOption())
    .addOption(epochOption())
    .action(
      perform(async (context, file: string, { reason, epoch }: { reason?: string; epoch?: number }) => {
        const definition = await readDefinition(file);
        const answer = await (await context.control()).setFlags({ definition, reason, epoch });
        const flags = Object.keys(definition.flags);
        return {
          value: { flags, ...answer },
          recorded: `The flags are recorded, at epoch ${answer.epoch}.`,
          text: `${count(flags.length, 'ordinary flag')} served from now on, at epoch ${answer.epoch}.`,
        };
      }),
    );
};

async function readDefinition(file: string): Promise<Record<string, unknown> & { readonly flags: object }> {
  const definition = await readJson(file);
  try {
    return parseFlagsDefinition(definition);
  } catch (error) {
    throw new CommandError('INVALID_DEFINITION', `The file ${printable(file)}: ${messageOf(error)}`, { cause: error });
  }
}
