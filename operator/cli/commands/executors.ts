import { sharedWriters } from '../../acknowledge.ts';
import { pageOptions } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { type Page, page } from '../page.ts';
import { counted, executorTable, indistinct } from '../tables.ts';

export const verb: Verb = (command, perform) => {
  const [skip, limit] = pageOptions();
  command
    .addOption(skip)
    .addOption(limit)
    .action(
      perform(async (context, options: Page) => {
        const { data: executors } = await (await context.control()).executors();
        return page(executors, options, {
          none: 'No executor has reported here.',
          title: () => `${counted(executors)}:`,
          text: (shown) => executorTable(shown) + indistinct(sharedWriters(executors)),
        });
      }),
    );
};
