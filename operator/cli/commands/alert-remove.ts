import { shownId } from '../../../flags/index.ts';
import { nameArgument, reasonOption } from '../arguments.ts';
import type { Verb } from '../command.ts';

export const verb: Verb = (command, perform) => {
  command
    .addArgument(nameArgument('name', 'the name of an alert'))
    .addOption(reasonOption())
    .action(
      perform(async (context, name: string, { reason = '' }: { readonly reason?: string }) => {
        const answer = await (await context.control()).removeAlert({ name, reason });
        return {
          value: { alert: name, ...answer },
          text: `Removed: the alert ${shownId(name)}, at epoch ${answer.epoch}. What waited for it is not sent.`,
        };
      }),
    );
};
