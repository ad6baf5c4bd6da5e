import type { Verb } from '../command.ts';
import { watchSwitch } from '../watch-switch.ts';

export const verb: Verb = (command, perform) => {
  command.action(
    perform(async (context) => ({
      lines: watchSwitch(await context.control({ operate: true }), context.untilInterrupted(), context.note),
    })),
  );
};
