import { z } from 'zod';
import { entryKey } from '../entries.ts';
import { targetSchema } from '../records.ts';
import { coversRule, RULE_MEMBERS, weeklyWindowSchema } from '../rule-entry.ts';
import { restricted } from './restricted.ts';
import { changedBy, NOTHING, row, set } from './row.ts';

/** Adds a standing rule, or replaces the one of that name. */
export const rule_add = row(
  { name: z.string(), ...RULE_MEMBERS },
  (view, { name, target, mode, window, when }, event) => {
    const before = view.get('rule', name);
    const after = { target, mode, window, when: when ?? null };
    const direction = !before || coversRule(after, before, event.at) ? 'tightens' : 'loosens';
    const rule = {
      ...{ ...after, reason: event.reason ?? before?.reason ?? null },
      ...restricted(view, before, { direction, event }),
      ...changedBy(event),
    };
    return { patch: set('rule', name, rule), direction };
  },
);

export const rule_remove = row({ name: z.string(), target: targetSchema }, (view, { name }) => {
  const found = view.get('rule', name) !== undefined;
  return {
    patch: { set: [], remove: found ? [entryKey('rule', name)] : [] },
    direction: found ? 'loosens' : 'neutral',
  };
});

/**
 * The instants of a rule's window for further weeks. They say nothing but what its words say, so who has last changed
 * the rule stays as it was. `words`: those that were read; a rule with others has been replaced meanwhile.
 */
export const rule_renew = row(
  { name: z.string(), ...weeklyWindowSchema.pick({ words: true, since: true, until: true, opens: true }).shape },
  (view, { name, words, since, until, opens }) => {
    const rule = view.get('rule', name);
    if (rule?.window?.kind !== 'weekly' || rule.window.words !== words) return { patch: NOTHING, direction: 'neutral' };
    const window = { ...rule.window, since, until, opens };
    return { patch: set('rule', name, { ...rule, window }), direction: 'loosens' };
  },
);
