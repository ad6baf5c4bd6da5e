import { shownId } from '../../../flags/index.ts';
import type { AlertRow } from '../../answers.ts';
import { formatAge } from '../duration.ts';
import { listing } from '../listing.ts';
import { idleAlerts } from '../idle-alerts.ts';

export const verb = listing({
  noun: 'alert',
  none: 'Nobody is told of anything. To tell somebody: kill-switch alert add NAME --to URL',
  filters: {},
  list: async (context, asked) => {
    const { data, count, sending } = await (await context.control()).alerts(asked);
    const waiting = data.reduce((sum, row) => sum + (row.waiting ?? 0), 0);
    return {
      data,
      count,
      more: { sending },
      below: [...data.flatMap(problemOf), ...idleAlerts(context, { sending, waiting })],
    };
  },
  columns: () => {
    const now = Date.now();
    const age = (time: string | null): string | null => (time === null ? null : formatAge(now - Date.parse(time)));
    return [
      { heading: 'NAME', cell: ({ name }) => name },
      { heading: 'TO', cell: ({ via, to }) => (via === 'exec' ? `command ${to}` : to) },
      { heading: 'WAITING', cell: ({ waiting }) => waiting, fixed: true },
      { heading: 'DELIVERED', cell: ({ delivered_at: at }) => age(at), fixed: true },
      { heading: 'GIVEN UP', cell: ({ given_up: given }) => given?.count ?? null, fixed: true },
      { heading: 'EVENTS', cell: ({ events }) => events.join(',') },
      { heading: 'FORMAT', cell: ({ format }) => format, wide: true },
    ];
  },
});

/** Why it waits. */
const problemOf = ({ name, failure }: AlertRow): string[] =>
  failure === null
    ? []
    : [
        `${shownId(name)}: the last attempt has failed, ${failure.problem}.${failure.next_at === null ? '' : ` The next one: ${failure.next_at}.`}`,
      ];
