import { z } from 'zod';
import { bothKills, killAdds } from '../already.ts';
import { ENTRY_KINDS, ENTRY_SCHEMAS, entryKey } from '../entries.ts';
import { type ActiveKill, stopCauseSchema, targetSchema, timeSchema } from '../records.ts';
import { changedBy, NOTHING, row, set } from './row.ts';

const members = ENTRY_SCHEMAS.kill;

/** The cause is that of whoever has made the kill. */
function withoutCause(kill: ActiveKill | undefined): Omit<ActiveKill, 'cause'> | undefined {
  if (!kill) return undefined;
  const { cause, ...rest } = kill;
  return cause ? rest : kill;
}

/** How many things that were counted one kill names. */
const MOST_COUNTED_BY_ONE = 100;

const endKill = row({ id: z.string(), target: targetSchema }, (view, data, event) => {
  const active = view.get('kill', data.target);
  const ends = active?.id === data.id;
  const lifted = (ends && active.counted ? [...new Set([data.target, ...active.counted])] : []).map(
    (counted) => [entryKey('lifted', counted), changedBy(event)] as const,
  );
  return {
    patch: { set: lifted, remove: ends ? [entryKey('kill', data.target)] : [] },
    direction: ends ? 'loosens' : 'neutral',
  };
});

export const kill = row(
  members.pick({ id: true, target: true, mode: true, expires_at: true }).shape,
  (view, data, event) => {
    const active = view.get('kill', data.target);
    const killed: ActiveKill = {
      ...withoutCause(active), // also what was set aside
      id: active?.id || data.id,
      target: data.target,
      reason: event.reason ?? active?.reason ?? null,
      killed_by: event.actor,
      killed_at: active?.killed_at || event.at,
      ...(active ? bothKills(active, data) : { mode: data.mode, expires_at: data.expires_at }),
      ...changedBy(event),
    };
    return { patch: set('kill', data.target, killed), direction: 'tightens' };
  },
);

/**
 * Somebody else asks for a restriction that is there already. Only the entry's last change moves on, so whoever had
 * read it before must read it again to lift it.
 */
export const second = row({ kind: z.enum(ENTRY_KINDS), name: z.string().nullable() }, (view, data, event) => {
  const name = data.name ?? undefined;
  const entry = view.get(data.kind, name);
  return {
    patch: entry ? set(data.kind, name, { ...entry, ...changedBy(event) }) : NOTHING,
    direction: 'neutral',
  };
});

export const revive = endKill;
export const expire = endKill;

/** The copy of an executor's stop, as a kill of that target; the event's actor is what stopped. */
export const stop = row(
  {
    ...members.pick({ id: true, target: true, mode: true }).shape,
    stop_id: z.string().min(1),
    counted: z.string(),
    cause: stopCauseSchema.nullable(),
    /** When it was made, by the executor's word: not later than it was copied; absent where that is not known. */
    stopped_at: timeSchema.optional(),
  },
  (view, data, event) => {
    const active = view.get('kill', data.target);
    const terms = { mode: data.mode, expires_at: null };
    const adds = killAdds(active, terms);
    const cause = adds || !active ? data.cause : active.cause;
    const killed: ActiveKill = {
      ...withoutCause(active), // also what was set aside
      id: active?.id || data.id,
      target: data.target,
      reason: adds ? event.reason : (active?.reason ?? event.reason),
      killed_by: adds || !active ? event.actor : active.killed_by,
      killed_at: active?.killed_at || data.stopped_at || event.at,
      ...(active ? bothKills(active, terms) : terms),
      counted: [...new Set([...(active?.counted ?? []), data.counted])].slice(-MOST_COUNTED_BY_ONE),
      ...(cause && { cause }),
      ...changedBy(event),
    };
    return { patch: set('kill', data.target, killed), direction: 'tightens' };
  },
);
