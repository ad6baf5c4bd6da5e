import { z } from 'zod';
import { entryKey } from '../entries.ts';
import { asksForNoLess, governanceSchema, isSameGovernance, NO_GOVERNANCE, termsOf } from '../governance.ts';
import { attemptedSchema, withAttempts } from '../refused-attempts.ts';
import { isSameChange, REQUEST_BOUNDS, requestSchema } from '../requests.ts';
import { changedBy, NOTHING, row, set } from './row.ts';

/**
 * What giving authority back takes from then on. What was asked for under stricter rules is asked for anew. It is named
 * `rules`, since every event may say `break_glass`.
 */
export const governance = row({ rules: governanceSchema }, (view, { rules }, event) => {
  const before = view.get('governance') ?? NO_GOVERNANCE;
  const direction = isSameGovernance(before, rules) ? 'neutral' : asksForNoLess(before, rules) ? 'tightens' : 'loosens';
  const requests = direction === 'loosens' ? view.get('requests') : undefined;
  const patch = set('governance', undefined, { ...termsOf(rules), ...changedBy(event) });
  const none = [entryKey('requests'), { open: [], ...changedBy(event) }] as const;
  return { patch: requests ? { ...patch, set: [...patch.set, none] } : patch, direction };
});

/** Somebody asks for a change that another person has to agree to. What has expired goes when a new one comes. */
export const request = row(
  requestSchema.pick({ id: true, change: true, epoch: true, expires_at: true }).shape,
  (view, { id, change, epoch, expires_at }, event) => {
    const open = view.get('requests')?.open ?? [];
    const kept = open.filter((each) => each.expires_at > event.at && !isSameChange(each.change, change));
    const asked = { id, change, epoch, expires_at, reason: event.reason, asked_by: event.actor, asked_at: event.at };
    return {
      patch: set('requests', undefined, { open: [...kept, asked].slice(-REQUEST_BOUNDS.all), ...changedBy(event) }),
      direction: 'neutral',
    };
  },
);

/** A request is taken back. */
export const withdraw = row({ id: z.string().min(1) }, (view, { id }, event) => {
  const open = view.get('requests')?.open ?? [];
  const kept = open.filter((each) => each.id !== id);
  return {
    patch: kept.length === open.length ? NOTHING : set('requests', undefined, { open: kept, ...changedBy(event) }),
    direction: 'neutral',
  };
});

/** `count`: so many attempts of the same kind were refused since the last such event of whoever counts them. */
export const refused = row(
  { ...attemptedSchema.omit({ by: true }).shape, count: z.int().min(1) },
  (view, { command, target, code, count }, event) => {
    const attempted = { by: event.actor, command, target, code };
    const last = withAttempts(view.get('refusals')?.last ?? [], attempted, { count, at: event.at });
    return { patch: set('refusals', undefined, { last, ...changedBy(event) }), direction: 'neutral' };
  },
  { isUpkeep: true },
);
