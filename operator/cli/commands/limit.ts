import { epochOption, nameArgument, parseLimit, reasonOption } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { type Named, showOrSet } from '../show-or-set.ts';

const limit: Named<'value', number> = {
  noun: 'limit',
  field: 'value',
  all: ({ limits }) => limits,
  set: (control, name, value, options) => control.setLimit({ name, value, ...options }),
  absent: { value: null, why: 'the limit in code holds, and where code gives none, what asks for it is blocked' },
};

export const verb: Verb = (command, perform) => {
  command
    .addArgument(nameArgument('name', 'the name of a limit'))
    .argument(
      '[value]',
      'a number of at least 0, in the unit that the limit declares; it can only lower the limit in code',
      parseLimit,
    )
    .addOption(reasonOption())
    .addOption(epochOption())
    .action(
      perform((context, name: string, value: number | undefined, options: { reason?: string; epoch?: number }) =>
        showOrSet(context, limit, { name, value, ...options }),
      ),
    );
};
