import { alertRows, type AlertsPlace, alertsStatus } from '../alerts/rows.ts';
import { heldApprovals } from '../approvals.ts';
import { readBudgets, tripwireRows } from '../budget-rows.ts';
import type { ControlPlane } from '../control-plane.ts';
import { takesNone } from '../given/checks.ts';
import { givenList } from '../given/list.ts';
import { heldStops } from '../held-stops.ts';
import { forksNow, judgeReports } from '../judge-reports.ts';
import { KILL_FILTERS } from '../list-filters.ts';
import { operatingNow } from '../operating-now.ts';
import { killRecords, statusOf, type WholeSwitch } from '../status.ts';
import type { Acting } from './acting.ts';

/** How the switch stands. */
export const status = ({
  connection,
  opened,
  organizationId,
}: Acting): Pick<ControlPlane, 'status' | 'forks' | 'kills'> => ({
  async status(options = {}) {
    const asked = givenList('status', options, {});
    return opened.kept.use(async (whole) => {
      const { state } = whole;
      const heard = await opened.hearing.hear();
      return {
        ...statusOf({ organizationId, ...whole }, heard, asked),
        held_approvals: await heldApprovals(connection),
        budgets: await readBudgets(connection, whole),
        tripwires: tripwireRows(state),
        stops: await heldStops(connection, state),
        operating: await operatingNow(connection, whole.time),
        alerts: alertsStatus(await alertRows(alertsPlace(whole), connection, organizationId)),
        ...(await judgeReports(heard.beats, state, connection)),
        store_problem: await connection.problem(),
      };
    });
  },

  async forks(...given: readonly unknown[]) {
    takesNone('forks', given);
    return forksNow(connection);
  },

  async kills(options = {}) {
    const asked = givenList('kills', options, KILL_FILTERS);
    return opened.kept.use(async (whole) => killRecords({ organizationId, ...whole }, asked));
  },
});

const alertsPlace = ({ state, time }: Pick<WholeSwitch, 'state' | 'time'>): AlertsPlace => ({
  targets: state.get('alerts')?.targets ?? [],
  epoch: state.epoch,
  time,
});
