import { listing } from '../listing.ts';
import { surfaceColumns } from '../tables.ts';

export const verb = listing({
  noun: 'action',
  order: ' that can act',
  none: 'No executor has reported its actions yet.',
  filters: {
    target: 'only actions that a kill of this target would reach: all, an action, a feature or a surface',
    action: 'only this action, or those that this pattern matches',
    since: 'only actions that were used since: a time (RFC 3339), or how long ago, such as 2h',
  },
  list: async (context, asked) => (await context.control()).surfaces(asked),
  columns: () => surfaceColumns(),
});
