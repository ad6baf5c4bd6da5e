import type { ControlPlane } from '../control-plane.ts';
import type { OpenedSwitch } from '../opened-switch.ts';
import type { Operator } from '../operators.ts';
import { Acting } from './acting.ts';
import { alerting } from './alerting.ts';
import { approvals } from './approvals.ts';
import { beginning } from './beginning.ts';
import { budgets } from './budgets.ts';
import { doctor } from './doctor.ts';
import { drilling } from './drilling.ts';
import { executors } from './executors.ts';
import { features } from './features.ts';
import { governing } from './governing.ts';
import { judging } from './judging.ts';
import { killing } from './killing.ts';
import { log } from './log.ts';
import { rules } from './rules.ts';
import { runs } from './runs.ts';
import { setting } from './setting.ts';
import { standing } from './standing.ts';
import { status } from './status.ts';

/**
 * A switch in a store, for one operator: each file beside this one gives the methods for one thing.
 * @param close called by `close`; default: nothing, because others may go on using `opened`
 */
export function controlPlaneOf(
  opened: OpenedSwitch,
  operator: Operator,
  close: () => Promise<void> = async () => {},
): ControlPlane {
  const acting = new Acting(opened, operator);
  return {
    ...beginning(acting),
    ...killing(acting),
    ...setting(acting),
    ...features(acting),
    ...budgets(acting),
    ...rules(acting),
    ...approvals(acting),
    ...standing(acting),
    ...governing(acting),
    ...drilling(acting),
    ...alerting(acting),
    ...judging(acting),
    ...status(acting),
    ...doctor(acting),
    ...executors(acting),
    ...runs(acting),
    ...log(acting),
    close,
    [Symbol.asyncDispose]: close,
  };
}
