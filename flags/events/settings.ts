import { z } from 'zod';
import { sameBaseMode } from '../already.ts';
import { type Entry, ENTRY_SCHEMAS, type StateView } from '../entries.ts';
import { featureAfter, featureDirection } from '../feature-change.ts';
import { evidenceSchema, requirementSchema } from '../feature-requirement.ts';
import { isSameForAll } from '../feature-stage.ts';
import { type Mode, strictness } from '../modes.ts';
import type { LastChange } from '../records.ts';
import { AUTONOMY_STAGES } from '../stages.ts';

import { restricted } from './restricted.ts';
import { changedBy, compare, type Direction, type EventFacts, row, set } from './row.ts';

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
  const terms = { mode: data.mode, targeting: data.targeting ?? null };
  const before: BaseMode = view.get('mode') ?? { mode: 'full_stop', targeting: null };
  const direction = baseDirection(before, terms);
  const stood = view.get('governance')?.ladder && terms.mode === 'paused' ? stoodBefore(before) : undefined;
  const entry = {
    ...terms,
    ...(stood && { stood }),
    ...stepped(view, before, { direction, event }),
    ...restricted(view, view.get('mode'), { direction, event, isWhole: baseStrictness(terms) === strictness('live') }),
    ...changedBy(event),
  };
  return { patch: set('mode', undefined, entry), direction };
});

/** The base mode as it was. */
type BaseMode = Omit<Entry<'mode'>, keyof LastChange>;

/** What a pause is lifted to. With a rule it differs by context, and so nothing is known of it. */
const stoodBefore = ({ mode: before, targeting, stood }: BaseMode): Mode | undefined =>
  targeting === null ? (before === 'paused' ? stood : before) : undefined;

/** When authority was last given back, where that goes step by step. */
function stepped(
  view: StateView,
  before: { readonly loosened_at?: string | undefined } | undefined,
  { direction, event }: { readonly direction: Direction; readonly event: EventFacts },
): { readonly loosened_at?: string } {
  if (!view.get('governance')?.ladder || direction === 'tightens') return {};
  const at = direction === 'loosens' ? event.at : before?.loosened_at;
  return at === undefined ? {} : { loosened_at: at };
}

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
    const direction = featureDirection(name, before, terms);
    const isWhole = terms.stage === 'live' && isSameForAll(terms);
    const entry = {
      ...terms,
      ...stepped(view, before, { direction, event }),
      ...restricted(view, before, { direction, event, isWhole }),
      ...changedBy(event),
    };
    return { patch: set('feature', name, entry), direction };
  },
);

export const limit = row({ name: z.string(), value: ENTRY_SCHEMAS.limit.shape.value }, (view, data, event) => {
  // Absent means only the limit in code, which no flag can raise.
  const before = view.get('limit', data.name);
  const direction = compare(-(before?.value ?? Number.POSITIVE_INFINITY), -data.value);
  const entry = { value: data.value, ...restricted(view, before, { direction, event }), ...changedBy(event) };
  return { patch: set('limit', data.name, entry), direction };
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
  const isWhole = data.stage === AUTONOMY_STAGES.at(-1);
  const entry = { stage: data.stage, ...restricted(view, before, { direction, event, isWhole }), ...changedBy(event) };
  return { patch: set('autonomy', data.action, entry), direction };
});

export const flags = row({ definition: ENTRY_SCHEMAS.flags.shape.definition }, (_view, data, event) => ({
  patch: set('flags', undefined, { definition: data.definition, ...changedBy(event) }),
  direction: 'loosens', // nobody here knows what the app's own flags mean
}));
