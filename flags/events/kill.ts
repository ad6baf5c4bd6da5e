import { z } from 'zod';
import { bothKills, killAdds, type KillTerms } from '../already.ts';
import { ENTRY_KINDS, ENTRY_SCHEMAS, entryKey, type StateView } from '../entries.ts';
import { type ActiveKill, stopCauseSchema, targetSchema, timeSchema } from '../records.ts';
import { killersOf } from './restricted.ts';
import { changedBy, type EventFacts, type Folded, NOTHING, row, set } from './row.ts';

const members = ENTRY_SCHEMAS.kill;

/**
 * What stays of a kill that is made stricter or longer, also what was set aside. The cause is that of whoever makes it
 * now; whoever takes authority away ends what was given back step by step.
 */
function carriedOver(kill: ActiveKill | undefined, after: KillTerms): Omit<ActiveKill, 'cause'> | undefined {
  if (!kill) return undefined;
  const carried: ActiveKill = noDrills(kill);
  delete carried.cause;
  delete carried.restricted_by;
  if (kill.mode !== after.mode) delete carried.loosened_at;
  return carried;
}

/** Who has restricted a target before whoever does so now; nothing where nobody else has. */
function before(kill: ActiveKill | undefined, killedBy: string): Pick<ActiveKill, 'restricted_by'> {
  const people = kill ? killersOf(kill).filter((each) => each !== killedBy) : [];
  return people.length > 0 ? { restricted_by: people } : {};
}

/** What somebody else has touched is no drill's any more. */
function noDrills<T extends object>(entry: T & { drill_id?: string | undefined }): T {
  const kept = { ...entry };
  delete kept.drill_id;
  return kept;
}

/**
 * When a kill began that is changed. That of a pause is always before the pause, also where both are of one
 * millisecond: by that it is told from one that was never anything else (`stepOf` in operator/commands/kill.ts).
 */
const begunAt = (kill: ActiveKill | undefined, { mode }: KillTerms, { at }: EventFacts): string | undefined =>
  mode === 'paused' && kill?.mode !== mode && kill?.killed_at === at
    ? new Date(Date.parse(at) - 1).toISOString()
    : kill?.killed_at;

/** How many things that were counted one kill names. */
const MOST_COUNTED_BY_ONE = 100;

/** What ends a kill. What budgets and tripwires had counted when they stopped that target counts anew from then on. */
function endKill(view: StateView, data: { readonly id: string; readonly target: string }, event: EventFacts): Folded {
  const active = view.get('kill', data.target);
  const ends = active?.id === data.id;
  const lifted = (ends && active.counted ? [...new Set([data.target, ...active.counted])] : []).map(
    (counted) => [entryKey('lifted', counted), changedBy(event)] as const,
  );
  return {
    patch: { set: lifted, remove: ends ? [entryKey('kill', data.target)] : [] },
    direction: ends ? 'loosens' : 'neutral',
  };
}

export const kill = row(
  {
    ...members.pick({ id: true, target: true, mode: true, expires_at: true }).shape,
    drill_id: members.shape.drill_id,
  },
  (view, data, event) => {
    const active = view.get('kill', data.target);
    const terms = active ? bothKills(active, data) : { mode: data.mode, expires_at: data.expires_at };
    const killed: ActiveKill = {
      ...carriedOver(active, terms),
      id: active?.id || data.id,
      target: data.target,
      reason: event.reason ?? active?.reason ?? null,
      killed_by: event.actor,
      ...before(active, event.actor),
      killed_at: begunAt(active, terms, event) || event.at,
      ...terms,
      ...(data.drill_id !== undefined && !active && { drill_id: data.drill_id }),
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
  if (!entry) return { patch: NOTHING, direction: 'neutral' };
  return {
    patch: set(data.kind, name, { ...noDrills(entry), ...changedBy(event) }),
    direction: 'neutral',
  };
});

/** `to`: one step looser (`ladder.ts`), and the kill stays; absent: it ends. */
export const revive = row(
  { id: z.string(), target: targetSchema, to: members.shape.mode.optional() },
  (view, { to, ...data }, event) => {
    const active = view.get('kill', data.target);
    if (to === undefined || active?.id !== data.id) return endKill(view, data, event);
    const stepped = { ...noDrills(active), mode: to, loosened_at: event.at, ...changedBy(event) };
    return { patch: set('kill', data.target, stepped), direction: 'loosens' };
  },
);

export const expire = row({ id: z.string(), target: targetSchema }, endKill);

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
    const asked = { mode: data.mode, expires_at: null };
    const terms = active ? bothKills(active, asked) : asked;
    const adds = killAdds(active, asked);
    const killedBy = adds || !active ? event.actor : active.killed_by;
    const cause = adds || !active ? data.cause : active.cause;
    const killed: ActiveKill = {
      ...carriedOver(active, terms),
      id: active?.id || data.id,
      target: data.target,
      reason: adds ? event.reason : (active?.reason ?? event.reason),
      killed_by: killedBy,
      ...before(active, killedBy),
      killed_at: begunAt(active, terms, event) || data.stopped_at || event.at,
      ...terms,
      counted: [...new Set([...(active?.counted ?? []), data.counted])].slice(-MOST_COUNTED_BY_ONE),
      ...(cause && { cause }),
      ...changedBy(event),
    };
    return { patch: set('kill', data.target, killed), direction: 'tightens' };
  },
);
