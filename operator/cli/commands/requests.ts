import { listing } from '../listing.ts';
import { formatAge } from '../duration.ts';
import { changeWords } from '../governance-words.ts';
import { quoted } from '../output.ts';

export const verb = listing({
  noun: 'request',
  order: ', oldest first',
  none: 'Nothing waits for another person.',
  filters: {},
  list: async (context, asked) => (await context.control()).requests(asked),
  columns: () => {
    const now = Date.now();
    return [
      { heading: 'CHANGE', cell: ({ change }) => changeWords(change) },
      { heading: 'ASKED BY', cell: ({ asked_by }) => asked_by },
      { heading: 'AGO', cell: ({ asked_at }) => formatAge(now - Date.parse(asked_at)), fixed: true },
      { heading: 'LEFT', cell: ({ expires_at }) => formatAge(Date.parse(expires_at) - now), fixed: true },
      { heading: 'STATE', cell: ({ state }) => state, fixed: true },
      { heading: 'REASON', cell: ({ reason }) => (reason === null ? null : { ready: quoted(reason) }), gives: true },
      { heading: 'ID', cell: ({ id }) => id, fixed: true },
    ];
  },
});
