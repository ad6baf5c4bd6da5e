import type { Verb } from '../command.ts';
import { watchLive } from '../watch-live.ts';
import { watchSwitch } from '../watch-switch.ts';

export const verb: Verb = (command, perform) => {
  command
    .option('--plain', 'a line for each change on a terminal too, as in a pipe')
    .option('--alerts', 'also send alerts (kill-switch alerts); of several processes that do, one sends')
    .action(
      perform(async (context, { plain, alerts = false }: { readonly plain?: true; readonly alerts?: boolean }) => {
        const control = await context.control({ operate: true, alerts });
        const { live } = context;
        if (live && !context.json && plain !== true) return watchLive(context, control, live);
        return { lines: watchSwitch(control, context.untilInterrupted(), context.note) };
      }),
    );
};
