import { z } from 'zod';
import { sameBaseMode } from '../already.ts';
import { type Entry, ENTRY_SCHEMAS } from '../entries.ts';
import { featureAfter, featureDirection } from '../feature-change.ts';
import { evidenceSchema, requirementSchema } from '../feature-requirement.ts';
import { strictness } from '../modes.ts';
import { AUTONOMY_STAGES } from '../stages.ts';
import { changedBy, compare, type Direction, row, set } from './row.ts';

/**
 * The strictness of a base mode. One with targeting may be looser for some contexts, so it counts as looser than
 * `live`.
 */
const baseStrictness = (entry: Pick<Entry<'mode'>, 'mode' | 'targeting'>): number =>
  entry.targeting === null ? strictness(entry.mode) : -1;

const baseDirection = (before: Pick<Entry<'mode'>, 'mode' | 'targeting'>, after: typeof before): Direction => {
  if (sameBaseMode(before, after)) return 'neutral';
  // Leaving a targeting rule for anything but full_stop may give somebody more than the rule gave.
  if (before.targeting !== null) return after.mode === 'full_stop' && after.targeting === null ? 'tightens' : 'loosens';
  return compare(baseStrictness(before), baseStrictness(after));
};

export const mode = row({ mode: ENTRY_SCHEMAS.mode.shape.mode, targeting: z.unknown() }, (view, data, event) => {
  const entry = { mode: data.mode, targeting: data.targeting ?? null, ...changedBy(event) };
  const before = view.get('mode') ?? { mode: 'full_stop', targeting: null };
  return { patch: set('mode', undefined, entry), direction: baseDirection(before, entry) };
});

/**
 * Without `requirement` the one that is there stays; null: none from now on. `evidence`: what the reports of
 * executors came to when it was promoted; it is told, and changes nothing.
 */
export const feature = row(
  {
    name: z.string(),
    stage: ENTRY_SCHEMAS.feature.shape.stage,
    targeting: z.unknown().optional(),
    requirement: requirementSchema.nullable().optional(),
    evidence: evidenceSchema.optional(),
  },
  (view, { name, ...data }, event) => {
    const before = view.get('feature', name);
    const terms = featureAfter(before, data, event.at);
    return {
      patch: set('feature', name, { ...terms, ...changedBy(event) }),
      direction: featureDirection(name, before, terms),
    };
  },
);

export const limit = row({ name: z.string(), value: ENTRY_SCHEMAS.limit.shape.value }, (view, data, event) => {
  // Absent means only the limit in code, which no flag can raise.
  const before = view.get('limit', data.name)?.value ?? Number.POSITIVE_INFINITY;
  return {
    patch: set('limit', data.name, { value: data.value, ...changedBy(event) }),
    direction: compare(-before, -data.value),
  };
});

export const autonomy = row({ action: z.string(), stage: ENTRY_SCHEMAS.autonomy.shape.stage }, (view, data, event) => {
  const rank = (stage: Entry<'autonomy'>['stage']): number => -AUTONOMY_STAGES.indexOf(stage);
  const before = view.get('autonomy', data.action);
  // Without an entry there is no floor, and the flag answers `human_in_the_loop`. So to set that stage adds a floor;
  // to set a later one gives the flag a looser answer.
  const direction = before
    ? compare(rank(before.stage), rank(data.stage))
    : data.stage === 'human_in_the_loop'
      ? 'tightens'
      : 'loosens';
  return { patch: set('autonomy', data.action, { stage: data.stage, ...changedBy(event) }), direction };
});

export const flags = row({ definition: ENTRY_SCHEMAS.flags.shape.definition }, (_view, data, event) => ({
  patch: set('flags', undefined, { definition: data.definition, ...changedBy(event) }),
  direction: 'loosens', // nobody here knows what the app's own flags mean
}));
