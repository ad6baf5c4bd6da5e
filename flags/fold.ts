import type { z } from 'zod';
import { type EntryKey, entryKey, FIRST_FORMAT, formatOf, placeOf, type StateView } from './entries.ts';
import { KillSwitchError } from './errors.ts';
import { alert, undelivered } from './events/alerts.ts';
import { approve, escalate, lapse, reject, standing, standing_withdraw } from './events/approvals.ts';
import { archive, init, recover, snapshot } from './events/control.ts';
import { drill, drill_schedule } from './events/drills.ts';
import { governance, refused, request, withdraw } from './events/governance.ts';
import { expire, kill, revive, second, stop } from './events/kill.ts';
import { resolve, rollback, takeover } from './events/rollbacks.ts';
import { changedBy, type Folded, type Traits, unknownEvent } from './events/row.ts';
import { rule_add, rule_remove, rule_renew } from './events/rules.ts';
import { autonomy, feature, flags, limit, mode } from './events/settings.ts';
import { budget, tripwire } from './events/spending.ts';
import type { LogEvent } from './records.ts';
import { keysOf } from './table.ts';
import { UNKNOWN } from './unknown-parts.ts';

export type { Direction, Folded } from './events/row.ts';

/**
 * Every kind of event: the shape of its data, and what it does to the state. To add one, copy a row of `events/` and
 * name it here.
 */
export const FOLDS = Object.freeze({
  ...{ init, recover, snapshot, archive },
  ...{ kill, second, revive, expire, stop },
  ...{ mode, feature, limit, autonomy, flags },
  ...{ budget, tripwire },
  ...{ rule_add, rule_remove, rule_renew },
  ...{ resolve, rollback, takeover },
  ...{ approve, reject, escalate, standing, standing_withdraw, lapse },
  ...{ governance, request, withdraw, refused },
  ...{ drill, drill_schedule },
  ...{ alert, undelivered },
});

export type EventType = keyof typeof FOLDS;
/** Every type of event that this version knows. */
export const EVENT_TYPES: readonly EventType[] = Object.freeze(keysOf(FOLDS));
export type EventData<T extends EventType> = z.infer<(typeof FOLDS)[T]['data']>;

/**
 * What one event does to the state: the only reader of events.
 * @throws KillSwitchError UNKNOWN_EVENT (a newer version wrote it: an executor that cannot read a change must not act)
 */
export function foldEvent(view: StateView, event: LogEvent): Folded {
  if (event.unknown !== undefined) throw unknownEvent(event, event.unknown);
  if (isEventType(event.type))
    return inItsFormat(view, withoutItsRequest(view, event, FOLDS[event.type].fold(view, event)));
  const type = JSON.stringify(event.type);
  throw new KillSwitchError('UNKNOWN_EVENT', `Event ${event.seq} of the log has the type ${type}, which ${UNKNOWN}`);
}

/** A change that somebody had asked for, and another person has agreed to, ends its request. */
function withoutItsRequest(view: StateView, event: LogEvent, folded: Folded): Folded {
  const id = event.data['request_id'];
  const requests = id === undefined ? undefined : view.get('requests');
  if (!requests || folded.patch.set.some(([key]) => key === entryKey('requests'))) return folded;
  const open = requests.open.filter((each) => each.id !== id);
  const left = [entryKey('requests'), { ...requests, open, ...changedBy(event) }] as const;
  return { ...folded, patch: { ...folded.patch, set: [...folded.patch.set, left] } };
}

/** Raises the format of the state where what is set needs that. Who has last changed the `control` entry stays. */
function inItsFormat(view: StateView, folded: Folded): Folded {
  if (!folded.patch.set.some(([key, entry]) => formatOf(key, entry) > FIRST_FORMAT && !wasSo(view, key))) return folded;
  const control = view.get('control');
  if (!control || control.format === 2) return folded;
  const raised = [entryKey('control'), { ...control, format: 2 }] as const;
  return { ...folded, patch: { ...folded.patch, set: [...folded.patch.set, raised] } };
}

/** A kill reads nothing but its target's entry, and adds nothing to it that needs another format than before. */
function wasSo(view: StateView, key: EntryKey): boolean {
  const [kind, name] = placeOf(key);
  const before = kind === 'kill' ? view.get(kind, name) : undefined;
  return before !== undefined && formatOf(key, before) > FIRST_FORMAT;
}

/** The generation that an event of this type begins; null where it begins none, or this version does not know it. */
export const generationBegun = (type: string): 'log' | 'recovery' | null => traitsOf(type).begins ?? null;

/** True for events that a store makes for itself, for which nobody waits. */
export const isUpkeep = (type: string): boolean => traitsOf(type).isUpkeep === true;

const traitsOf = (type: string): Traits => (isEventType(type) ? FOLDS[type].traits : {});

/** True for a kind of event that this version knows. */
export const isEventType = (type: string): type is EventType => Object.hasOwn(FOLDS, type);
