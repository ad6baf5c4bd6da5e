import { tripwireColumns } from '../budgets.ts';
import { listing } from '../listing.ts';

export const verb = listing({
  noun: 'tripwire',
  none: 'There is no tripwire: nothing stops a loop.',
  filters: {},
  list: async (context, asked) => (await context.control()).tripwires(asked),
  columns: () => tripwireColumns(),
});
