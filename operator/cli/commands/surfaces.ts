import { pageOptions } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { count } from '../output.ts';
import { type Page, page } from '../page.ts';
import { surfaceTable } from '../tables.ts';

export const verb: Verb = (command, perform) => {
  const [skip, limit] = pageOptions();
  command
    .addOption(skip)
    .addOption(limit)
    .action(
      perform(async (context, options: Page) =>
        page((await (await context.control()).surfaces()).data, options, {
          none: 'No executor has reported its actions yet.',
          title: (total) => `${count(total, 'action')} that can act:`,
          text: surfaceTable,
        }),
      ),
    );
};
