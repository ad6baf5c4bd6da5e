import { Option } from 'commander';
import type { ControlPlane } from '../../control-plane.ts';
import type { Context, Item } from '../command.ts';
import { noteTrouble } from '../followed.ts';
import { type ListOptions, typedFilters } from '../list-options.ts';
import { listing } from '../listing.ts';
import { rowText } from '../table.ts';
import { approvalColumns } from '../tables.ts';

export const verb = listing({
  noun: 'request',
  order: ', what waits first',
  none: 'Nobody is asked for an approval.',
  filters: {
    status: 'only those that are pending, approved, rejected, expired, cancelled or used',
    target: 'only those that a restriction of this target would have stopped',
    agent: 'only those of this agent',
    action: 'only those of this action, or of those that this pattern matches',
    actor: 'only those that this operator has decided',
    since: 'only those that were asked from then on: a time (RFC 3339), or how long ago, such as 2h',
  },
  async list(context, asked) {
    const { problems, ...approvals } = await (await context.control()).approvals(asked);
    for (const problem of problems) context.note(`Not all requests can be shown: ${problem}.`);
    return { ...approvals, ...(problems.length > 0 && { more: { problems } }) };
  },
  columns: () => approvalColumns(),
  instead: {
    option: new Option(
      '--follow',
      'what waits, and then each request as it is asked, decided, used or over, until Ctrl-C',
    ).conflicts(['skip', 'limit']),
    run: async (context, options) => ({ lines: lines(await context.control(), context, options) }),
  },
});

async function* lines(control: ControlPlane, context: Context, options: ListOptions): AsyncGenerator<Item> {
  const signal = context.untilInterrupted();
  const columns = approvalColumns();
  const form = { wide: options.output === 'wide' };
  const onTrouble = noteTrouble(context);
  for await (const each of control.followApprovals({ ...typedFilters(options), signal, onTrouble }))
    yield { value: each, text: rowText(columns, each, form) };
}
