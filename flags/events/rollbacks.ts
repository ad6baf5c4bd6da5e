import { z } from 'zod';
import { type Performer, performerSchema, type Rollback, rollbackMembers } from '../rollbacks.ts';
import { changedBy, NOTHING, row, set } from './row.ts';

/** How many resolutions are kept, and for how long, in milliseconds: longer than the journal keeps their intents. */
const [MOST_RESOLVED, RESOLVED_MS] = [1000, 100 * 86_400_000];

/** How many rollbacks are kept, and for how long, in milliseconds. */
const [MOST_ROLLBACKS, ROLLBACK_MS] = [100, 30 * 86_400_000];

/**
 * Who is waited for when a rollback is taken over: whoever had it before the one who has it now may act no longer than
 * a lease of theirs either.
 */
const formerOf = ({ performer, former }: Rollback): Performer => ({
  ...performer,
  lease_ms: Math.max(performer.lease_ms, former?.lease_ms ?? 0),
});

/**
 * An operator says whether an effect has landed, of which its executor has not said so. `intent`: its id in the
 * journal. Old ones go when a new one comes: their intents are unknown again, and nothing runs by that.
 */
export const resolve = row(
  { intent: z.string(), landed: z.boolean(), run_id: z.string().nullable(), idempotency_key: z.string() },
  (view, { intent, landed }, event) => {
    const before = view.get('resolutions')?.resolved ?? [];
    const since = Date.parse(event.at) - RESOLVED_MS;
    const kept = before.filter((each) => each.intent !== intent && Date.parse(each.at) >= since);
    const resolved = [...kept, { intent, landed, at: event.at }].slice(-MOST_RESOLVED);
    return { patch: set('resolutions', undefined, { resolved, ...changedBy(event) }), direction: 'loosens' };
  },
);

/**
 * Somebody asks that what a target has done is undone: exactly what was previewed, by the one executor that is named,
 * past the kills that are named. `loosens`: reversals may run under a stop.
 */
export const rollback = row(rollbackMembers, (view, { command_id: _, ...data }, event) => {
  const before = view.get('rollbacks')?.asked ?? [];
  const since = Date.parse(event.at) - ROLLBACK_MS;
  const kept = before.filter(({ id, at }) => id !== data.id && Date.parse(at) >= since);
  const rollback = { ...data, former: null, asked_by: event.actor, ...changedBy(event) };
  const asked = [...kept, rollback].slice(-MOST_ROLLBACKS);
  return { patch: set('rollbacks', undefined, { asked, ...changedBy(event) }), direction: 'loosens' };
});

/** Another executor performs a rollback from then on. */
export const takeover = row({ id: z.string(), performer: performerSchema }, (view, { id, performer }, event) => {
  const before = view.get('rollbacks')?.asked ?? [];
  if (!before.some((each) => each.id === id)) return { patch: NOTHING, direction: 'neutral' };
  const asked = before.map((each) =>
    each.id === id ? { ...each, performer, former: formerOf(each), asked_by: event.actor, ...changedBy(event) } : each,
  );
  return { patch: set('rollbacks', undefined, { asked, ...changedBy(event) }), direction: 'loosens' };
});
