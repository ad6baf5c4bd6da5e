import { Argument, Option } from 'commander';
import type { Verb } from '../command.ts';
import { writePage } from '../drill-file.ts';
import { drillLines } from '../drill-words.ts';

export const verb: Verb = (command, perform) => {
  command
    .addArgument(new Argument('<id>', 'the drill, by its id, as drills shows it'))
    .addOption(new Option('--html <file>', 'also write it as one page that needs nothing else'))
    .action(
      perform(async (context, id: string, { html }: { readonly html?: string }) => {
        const value = await (await context.control()).drillReport(id);
        const written = html === undefined ? [] : [await writePage(html, value)];
        return { value, text: [...drillLines(value, context), ...written] };
      }),
    );
};
