import { z } from 'zod';
import { alertDefinitionSchema, type AlertTarget } from '../alerts.ts';
import type { StateView } from '../entries.ts';
import { idSchema } from '../records.ts';
import { changedBy, type EventFacts, NOTHING, row, set } from './row.ts';

const targetsIn = (view: StateView): readonly AlertTarget[] => view.get('alerts')?.targets ?? [];

const withTargets = (targets: readonly AlertTarget[], event: EventFacts) =>
  set('alerts', undefined, { targets: [...targets], ...changedBy(event) });

/** `definition`: null removes the target of this name. */
export const alert = row({ name: idSchema, definition: alertDefinitionSchema.nullable() }, (view, data, event) => {
  const { name, definition } = data;
  const others = targetsIn(view).filter((target) => target.name !== name);
  const added = definition && {
    ...{ ...definition, name },
    ...{ since: event.seq, added_by: event.actor, added_at: event.at },
  };
  return { patch: withTargets(added ? [...others, added] : others, event), direction: 'neutral' };
});

/** Alerts to a target are given up that could not be delivered in time. */
export const undelivered = row(
  { name: idSchema, id: z.string(), count: z.int().min(1), last: z.string().min(1).max(200) },
  (view, { name, id, count, last }, event) => {
    const targets = targetsIn(view);
    if (!targets.some((target) => target.id === id && target.name === name))
      return { patch: NOTHING, direction: 'neutral' };
    const after = targets.map((target) =>
      target.id === id
        ? { ...target, given_up: { count: (target.given_up?.count ?? 0) + count, last, at: event.at } }
        : target,
    );
    return { patch: withTargets(after, event), direction: 'neutral' };
  },
  { isUpkeep: true },
);
