import { partOf } from '../../lists.ts';
import { listing } from '../listing.ts';

export const verb = listing({
  noun: 'feature',
  order: '; every other one is dark',
  none: 'No feature is set: every feature is dark.',
  filters: {},
  async list(context, asked) {
    const { features } = await (await context.control()).status();
    const all = Object.entries(features).map(([name, stage]) => ({ name, stage }));
    return partOf(all, asked);
  },
  columns: () => [
    { heading: 'STAGE', cell: ({ stage }) => stage, fixed: true },
    { heading: 'FEATURE', cell: ({ name }) => name },
  ],
});
