import { pageOptions } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { count } from '../output.ts';
import { type Page, page } from '../page.ts';
import { interventionTable } from '../tables.ts';

export const verb: Verb = (command, perform) => {
  const [skip, limit] = pageOptions();
  command
    .addOption(skip)
    .addOption(limit)
    .option('--proposals', 'only proposals: the work that somebody is to take up')
    .action(
      perform(async (context, options: Page & { readonly proposals?: boolean }) => {
        const { data, unreadable } = await (await context.control()).interventions({
          proposals: options.proposals === true,
        });
        if (unreadable > 0)
          context.note(
            `${count(unreadable, 'record')} could not be read and ${unreadable === 1 ? 'is' : 'are'} left out.`,
          );
        return page(data, options, {
          none: 'No decision but `allow` has been recorded here.',
          title: (total) => `The last ${count(total, 'intervention')}, newest first:`,
          text: interventionTable,
        });
      }),
    );
};
