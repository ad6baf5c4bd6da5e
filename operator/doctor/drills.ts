import { NO_GOVERNANCE, overdueDrill, overdueText } from '../../flags/index.ts';
import { type Check, judging, named, warning } from './finding.ts';

/** When what runs was last shown to stop, and whether a drill has left something stopped. */
export const drills: Check = {
  name: 'drills',
  well: 'No drill is overdue, and none has left anything stopped.',
  judge: ({ switch: read }) =>
    judging(read, ({ state, time }) => {
      const overdue = overdueDrill(state.drills, (state.get('governance') ?? NO_GOVERNANCE).drill_ms, time);
      const left = [...state.activeKills()].filter(({ drill_id }) => drill_id !== undefined);
      return [
        ...(overdue ? [warning(overdueText(overdue), `Run one: kill-switch drill --kind ${overdue.kind}`)] : []),
        ...(left.length === 0
          ? []
          : [
              warning(
                `A drill that runs, has failed or was cut short keeps stopped: ${named(left.map(({ target }) => target))}.`,
                'See which: kill-switch drills. To give it back: kill-switch revive TARGET --reason "…"',
              ),
            ]),
      ];
    }),
};
