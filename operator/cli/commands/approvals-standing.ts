import { listing } from '../listing.ts';
import { standingColumns } from '../tables.ts';

export const verb = listing({
  noun: 'standing approval',
  order: ', those that end first first',
  none: 'Nothing is approved in advance.',
  filters: {
    agent: 'only those for this agent',
    action: 'only those of this action, or of those that this pattern matches',
    actor: 'only those that this operator has allowed',
    since: 'only those that were allowed from then on: a time (RFC 3339), or how long ago, such as 2h',
  },
  list: async (context, asked) => (await context.control()).standingApprovals(asked),
  columns: () => standingColumns(),
});
