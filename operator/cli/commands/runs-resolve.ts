import { Argument, Option } from 'commander';
import { invalid, shownId } from '../../../flags/index.ts';
import { epochOption, IdArgument } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { runIn } from '../run-words.ts';

interface Options {
  readonly landed?: boolean;
  readonly notLanded?: boolean;
  readonly reason?: string;
  readonly epoch?: number;
}

export const verb: Verb = (command, perform) => {
  command
    .addArgument(new IdArgument('<run>', 'the id of a run, as runs shows it; "" for what was done outside any run'))
    .addArgument(new Argument('<key>', 'the idempotency key, as runs RUN shows it'))
    .addOption(new Option('--landed', 'it has landed: calls with this key are not tried again').conflicts('notLanded'))
    .addOption(new Option('--not-landed', 'it has not landed: a call with this key may run once more'))
    .addOption(new Option('--reason <text>', 'how you know; required'))
    .addOption(epochOption())
    .action(
      perform(async (context, run: string, key: string, { landed, notLanded, reason, epoch }: Options) => {
        if (landed !== true && notLanded !== true)
          throw invalid(`Say whether ${shownId(key)} has landed: --landed, or --not-landed.`);
        const hasLanded = landed === true;
        const value = await (await context.control()).resolve({
          run: runIn(run),
          key,
          landed: hasLanded,
          reason,
          epoch,
        });
        const { action } = value.entry;
        return {
          value,
          text: `${shownId(key)} (${shownId(action)}) ${hasLanded ? 'has landed: calls with this key are told so, and not tried again' : 'has not landed: a call with this key may run once more'}, at epoch ${value.epoch}.`,
          recorded: `That ${shownId(key)} has ${hasLanded ? '' : 'not '}landed is recorded, at epoch ${value.epoch}.`,
        };
      }),
    );
};
