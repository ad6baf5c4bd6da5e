import { Argument } from 'commander';
import { reasonOption } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { changeWords } from '../governance-words.ts';

export const verb: Verb = (command, perform) => {
  command
    .addArgument(new Argument('<id>', 'the request, by its id, as requests shows it'))
    .addOption(reasonOption())
    .action(
      perform(async (context, id: string, { reason }: { readonly reason?: string }) => {
        const value = await (await context.control()).withdrawRequest({ id, reason });
        const text = `The request ${id} (${changeWords(value.request.change)}) is withdrawn, at epoch ${value.epoch}.`;
        return { value, text, recorded: text };
      }),
    );
};
