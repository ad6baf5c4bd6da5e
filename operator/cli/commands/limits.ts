import { pageOptions } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { count, table } from '../output.ts';
import { type Page, page } from '../page.ts';

export const verb: Verb = (command, perform) => {
  const [skip, limit] = pageOptions();
  command
    .addOption(skip)
    .addOption(limit)
    .action(
      perform(async (context, options: Page) => {
        const { limits } = await (await context.control()).status();
        const all = Object.entries(limits).map(([name, value]) => ({ name, value }));
        return page(all, options, {
          none: 'No limit is set: the limits in code hold.',
          title: (total) => `${count(total, 'limit')}:`,
          text: (data) =>
            table(
              ['VALUE', 'LIMIT'],
              data.map(({ name, value }) => [value, name]),
            ),
        });
      }),
    );
};
