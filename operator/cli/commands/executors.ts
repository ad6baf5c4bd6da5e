import { sharedWriters } from '../../acknowledge.ts';
import { partOf } from '../../lists.ts';
import { listing } from '../listing.ts';
import { counted, executorColumns, indistinct, problemLines } from '../tables.ts';

export const verb = listing({
  noun: 'executor',
  none: 'No executor reports here.',
  filters: {
    agent: 'only executors that may have work of this agent open',
    state: 'only executors in this state',
    since: 'only executors that have reported since: a time (RFC 3339), or how long ago, such as 2h',
  },
  async list(context, { skip, limit, ...filters }) {
    // All of them: how many exports there are, and who shares a writer, is said of all.
    const { data: all } = await (await context.control()).executors(filters);
    const { data, count } = partOf(all, { skip, limit });
    const below = [...problemLines(data), ...indistinct(sharedWriters(all))];
    return { data, count, title: counted(all), below };
  },
  columns: executorColumns,
});
