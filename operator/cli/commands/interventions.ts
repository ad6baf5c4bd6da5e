import { Option } from 'commander';
import type { ControlPlane } from '../../control-plane.ts';
import type { Context, Item } from '../command.ts';
import { noteTrouble } from '../followed.ts';
import { typedFilters, type ListOptions } from '../list-options.ts';
import { listing } from '../listing.ts';
import { count } from '../output.ts';
import { rowText } from '../table.ts';
import { interventionColumns } from '../tables.ts';

export const verb = listing({
  noun: 'intervention',
  order: ', newest first',
  none: 'No decision but `allow` has been recorded here.',
  filters: {
    target: 'only what this target stood for, or what a kill of it or its feature caused',
    agent: 'only decisions on this agent',
    action: 'only decisions on this action, or on those that this pattern matches',
    since: 'only decisions from then on: a time (RFC 3339), or how long ago, such as 2h',
    proposals: 'only proposals: the work that somebody is to take up',
  },
  async list(context, asked) {
    const { unreadable, ...interventions } = await (await context.control()).interventions(asked);
    if (unreadable > 0)
      context.note(`${count(unreadable, 'record')} could not be read and ${unreadable === 1 ? 'is' : 'are'} left out.`);
    return { ...interventions, ...(unreadable > 0 && { more: { unreadable } }) };
  },
  columns: () => interventionColumns(),
  instead: {
    option: new Option(
      '--follow',
      'each new one as it is reported, until Ctrl-C; with --since those before it too',
    ).conflicts(['skip', 'limit']),
    run: async (context, options) => ({ lines: lines(await context.control(), context, options) }),
  },
});

async function* lines(control: ControlPlane, context: Context, options: ListOptions): AsyncGenerator<Item> {
  const signal = context.untilInterrupted();
  const columns = interventionColumns();
  const form = { wide: options.output === 'wide' };
  const onTrouble = noteTrouble(context);
  for await (const each of control.followInterventions({ ...typedFilters(options), signal, onTrouble }))
    yield { value: each, text: rowText(columns, each, form) };
}
