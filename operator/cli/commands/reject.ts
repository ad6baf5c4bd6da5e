import { Option } from 'commander';
import { shownId } from '../../../flags/index.ts';
import { approvalsArgument, decideEach } from '../approval-ids.ts';
import type { Verb } from '../command.ts';

export const verb: Verb = (command, perform) => {
  command
    .addArgument(approvalsArgument())
    .addOption(new Option('--reason <text>', 'why; it is shown with the request'))
    .action(
      perform(async (context, ids: readonly string[], { reason }: { readonly reason?: string }) => {
        const control = await context.control();
        return decideEach(context, ids, {
          decide: (id) => control.reject({ id, reason }),
          says: ({ approval: { id, action, agent_id }, epoch, already }) =>
            `${shownId(action)} of agent:${shownId(agent_id)} (${id}) ${already ? 'was rejected already; yours is recorded too' : 'is rejected'}, at epoch ${epoch}.`,
        });
      }),
    );
};
