import { pageOptions } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { count } from '../output.ts';
import { type Page, page } from '../page.ts';
import { noteIdleKills } from '../idle-kills.ts';
import { killTable } from '../tables.ts';

export const verb: Verb = (command, perform) => {
  const [skip, limit] = pageOptions();
  command
    .addOption(skip)
    .addOption(limit)
    .action(
      perform(async (context, options: Page) => {
        const { data: kills } = await (await context.control()).kills();
        noteIdleKills(context, kills);
        return page(kills, options, {
          none: 'Nothing is killed.',
          title: (total) => `${count(total, 'active kill')}, newest first:`,
          text: (data) => killTable(data, context.advice),
        });
      }),
    );
};
