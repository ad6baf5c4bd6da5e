import { breakGlassOption, epochOption, nameArgument, parseLimit, reasonOption, waitOption } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { type Named, type SetOptions, showOrSet } from '../show-or-set.ts';

const limit: Named<'value', number> = {
  verb: 'limit',
  noun: 'limit',
  field: 'value',
  all: ({ limits }) => limits,
  set: (control, name, value, options) => control.setLimit({ name, value, ...options }),
  nameIn: (name) => name,
  endsNothing: true,
  absent: { value: null, why: 'the limit in code holds' },
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
    .addOption(breakGlassOption())
    .addOption(waitOption())
    .action(
      perform((context, name: string, value: number | undefined, options: SetOptions) =>
        showOrSet(context, limit, { name, value, ...options }),
      ),
    );
};
