import { type AlertDefinition, type AlertTarget, MOST_ALERTS } from '../../flags/index.ts';
import type { GivenReason } from '../reason.ts';
import { type CommandRow, event, nameRefused, type PlanView, refused } from './row.ts';

const targetsIn = (view: PlanView): readonly AlertTarget[] => view.get('alerts')?.targets ?? [];

/** Adds a target. One that is there is not replaced: it is removed first, so that nobody is left out unnoticed. */
export const alert: CommandRow<{ readonly name: string; readonly definition: AlertDefinition } & GivenReason> = {
  isUngoverned: true,
  changes: () => ['alerts'],
  wish({ name, definition }, view) {
    const wrong = nameRefused('an alert', name);
    if (wrong) return wrong;
    const targets = targetsIn(view);
    if (targets.some((target) => target.name === name)) return refused({ kind: 'alert_taken', name });
    if (targets.length >= MOST_ALERTS) return refused({ kind: 'alerts_full', most: MOST_ALERTS });
    return event('alert', { name, definition });
  },
};

export const alert_remove: CommandRow<{ readonly name: string } & GivenReason> = {
  isUngoverned: true,
  changes: () => ['alerts'],
  wish: ({ name }, view) =>
    targetsIn(view).some((target) => target.name === name)
      ? event('alert', { name, definition: null })
      : refused({ kind: 'no_alert', name }),
  needsReasonAlways: true,
  takesReason: () => 'Removing an alert',
};

export interface Undelivered {
  readonly name: string;
  /** That of the target. */
  readonly id: string;
  readonly count: number;
  /** The id of the last alert that is given up. */
  readonly last: string;
}

/** Records once that alerts are given up. */
export const undelivered: CommandRow<Undelivered> = {
  isUngoverned: true,
  changes: () => ['alerts'],
  wish({ name, id, count, last }, view) {
    const target = targetsIn(view).find((each) => each.id === id);
    return target && target.given_up?.last !== last
      ? event('undelivered', { name, id, count, last })
      : refused({ kind: 'no_alert', name });
  },
};
