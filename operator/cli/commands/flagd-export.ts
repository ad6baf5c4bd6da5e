import { durationOption } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { toJson } from '../output.ts';
import { keepCurrent, type WatchOptions } from '../watch-flagd.ts';

export const verb: Verb = (command, perform) => {
  command
    .option(
      '--watch <file>',
      'keep this file current for flagd, until Ctrl-C; clients stop by themselves once it is no longer renewed; its name ends in .json',
    )
    .addOption(durationOption('valid', 'how long clients may go on after a confirmation', 10_000, '10s'))
    .addOption(durationOption('reissue', 'how often the file is written anew', 2000, '2s'))
    .addOption(durationOption('write', 'how long a confirmation and the write take at most', 1000, '1s'))
    .addOption(durationOption('poll', 'how long flagd takes at most to read the file', 5000, '5s'))
    .addOption(durationOption('skew', 'how far the clocks of this machine and of the clients may be apart', 1000, '1s'))
    .action(
      perform(async (context, { watch, ...times }: { readonly watch?: string } & WatchOptions) => {
        if (watch !== undefined) return keepCurrent(context, watch, times);
        const value = await (await context.control()).exportDefinition();
        context.note(
          'This definition has no dead man: when nobody exports it again, clients go on with it for ever. To keep a file that ends by itself: kill-switch flagd export --watch FILE.json',
        );
        return { value, text: toJson(value, 2) };
      }),
    );
};
