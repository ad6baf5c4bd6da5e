import { Option } from 'commander';
import type { Verb } from '../command.ts';
import { watchSwitch } from '../watch-switch.ts';

export const verb: Verb = (command, perform) => {
  command
    .addOption(new Option('--alerts', 'also send alerts (kill-switch alerts), as one of any number of processes'))
    .action(
      perform(async (context, { alerts = false }: { readonly alerts?: boolean }) => {
        const control = await context.control({ operate: true, alerts });
        return { lines: watchSwitch(control, context.untilInterrupted(), context.note) };
      }),
    );
};
