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
        const { features } = await (await context.control()).status();
        const all = Object.entries(features).map(([name, stage]) => ({ name, stage }));
        return page(all, options, {
          none: 'No feature is set: every feature is dark.',
          title: (total) => `${count(total, 'feature')}; every other one is dark:`,
          text: (data) =>
            table(
              ['STAGE', 'FEATURE'],
              data.map(({ name, stage }) => [stage, name]),
            ),
        });
      }),
    );
};
