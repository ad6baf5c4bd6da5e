import { budgetColumns } from '../budgets.ts';
import { listing } from '../listing.ts';

export const verb = listing({
  noun: 'budget',
  none: 'No budget is set: nothing limits what is spent.',
  filters: {},
  list: async (context, asked) => (await context.control()).budgets(asked),
  columns: () => budgetColumns(),
});
