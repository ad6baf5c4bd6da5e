import { partOf } from '../../lists.ts';
import { listing } from '../listing.ts';

export const verb = listing({
  noun: 'limit',
  none: 'No limit is set: the limits in code hold.',
  filters: {},
  async list(context, asked) {
    const { limits } = await (await context.control()).status();
    const all = Object.entries(limits).map(([name, value]) => ({ name, value }));
    return partOf(all, asked);
  },
  columns: () => [
    { heading: 'VALUE', cell: ({ value }) => value, fixed: true },
    { heading: 'LIMIT', cell: ({ name }) => name },
  ],
});
