import { Option } from 'commander';
import { approvalArgument } from '../approval-ids.ts';
import type { Verb } from '../command.ts';

export const verb: Verb = (command, perform) => {
  command
    .addArgument(approvalArgument('the standing approval, by its id, as approvals standing shows it'))
    .addOption(new Option('--reason <text>', 'why'))
    .action(
      perform(async (context, id: string, { reason }: { readonly reason?: string }) => {
        const answer = await (await context.control()).withdrawStanding({ id, reason });
        const text = `The standing approval ${id} is withdrawn, at epoch ${answer.epoch}.`;
        return { value: { id, ...answer }, text, recorded: text };
      }),
    );
};
