import { areDrillsOverdue, NO_GOVERNANCE } from '../../flags/index.ts';
import { type Check, judging, named, warning } from './finding.ts';

/** When what runs was last shown to stop, and whether a drill has left something stopped. */
export const drills: Check = {
  name: 'drills',
  well: 'No drill is overdue, and none has left anything stopped.',
  judge: ({ switch: read }) =>
    judging(read, ({ state, time }) => {
      const { passed_at } = state.drills;
      const last = Object.values(passed_at).toSorted().at(-1);
      const { drill_ms } = state.get('governance') ?? NO_GOVERNANCE;
      const left = [...state.activeKills()].filter(({ drill_id }) => drill_id !== undefined);
      return [
        ...(areDrillsOverdue(state.drills, drill_ms, time)
          ? [
              warning(
                `A drill is overdue: ${last === undefined ? 'none was passed yet' : `the last one was passed at ${last}`}.`,
                'Run one: kill-switch drill',
              ),
            ]
          : []),
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
