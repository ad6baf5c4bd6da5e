import { z } from 'zod';
import { budgetSchema, isNoLooser } from '../budget-records.ts';
import { entryKey } from '../entries.ts';
import { idSchema } from '../records.ts';
import { tripwireOf } from '../stops.ts';
import { DEFAULT_TRIPWIRES, isNoLooserTripwire, type Tripwire, tripwireSchema } from '../tripwire-records.ts';
import { restricted } from './restricted.ts';
import { changedBy, type Direction, row, set } from './row.ts';

/** `definition`: null removes the budget of this name. */
export const budget = row(
  { name: z.string().min(1), definition: budgetSchema.nullable() },
  (view, { name, definition }, event) => {
    const before = view.get('budget', name);
    if (!definition)
      return {
        patch: { set: [], remove: before ? [entryKey('budget', name)] : [] },
        direction: before ? 'loosens' : 'neutral',
      };
    const direction = !before || isNoLooser(definition, before) ? 'tightens' : 'loosens';
    const budget = {
      ...{ ...definition, since: before?.since ?? event.seq },
      ...restricted(view, before, { direction, event }),
      ...changedBy(event),
    };
    return { patch: set('budget', name, budget), direction };
  },
);

function tripwireDirection(before: Tripwire | undefined, after: Tripwire | null): Direction {
  if (!before) return after ? 'tightens' : 'neutral';
  return after && isNoLooserTripwire(after, before) ? 'tightens' : 'loosens';
}

/** `definition`: null removes the tripwire of this name, also one that is there by default. */
export const tripwire = row(
  { name: idSchema, definition: tripwireSchema.nullable() },
  (view, { name, definition }, event) => {
    const before = tripwireOf(view, name);
    const direction = tripwireDirection(before, definition);
    const entry = view.get('tripwire', name);
    const isRemoved = !definition && !Object.hasOwn(DEFAULT_TRIPWIRES, name);
    return {
      patch: isRemoved
        ? { set: [], remove: entry ? [entryKey('tripwire', name)] : [] }
        : set('tripwire', name, { definition, ...restricted(view, entry, { direction, event }), ...changedBy(event) }),
      direction,
    };
  },
);
