import { isSameTripwire, tripwireOf } from '../../flags/index.ts';
import { type TripwirePart, tripwireWith } from '../budget-changes.ts';
import { ALREADY, type CommandRow, event, type Loosening, nameRefused, refused } from './row.ts';

/** `part`: what is set of it, what is absent stays; null: it is removed. */
export const tripwire: CommandRow<{ readonly name: string; readonly part: TripwirePart | null } & Loosening> = {
  changes: ({ name }) => ['tripwire', name],
  wish: ({ name, part }, view) => {
    const before = tripwireOf(view, name);
    if (part === null)
      return before ? event('tripwire', { name, definition: null }) : refused({ kind: 'no_tripwire', name });
    const wrong = nameRefused('a tripwire', name);
    if (wrong) return wrong;
    const made = tripwireWith(view, name, part);
    if ('problem' in made) return refused({ kind: 'not_a_definition', problem: made.problem });
    return view.get('tripwire', name) && before && isSameTripwire(made.definition, before)
      ? ALREADY
      : event('tripwire', { name, definition: made.definition });
  },
};
