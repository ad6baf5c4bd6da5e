import { z } from 'zod';
import { TRIP_MODES, WINDOW_MS } from './budget-records.ts';
import { deepFreeze } from './freeze.ts';
import { invalid } from './errors.ts';
import { idProblem } from './ids.ts';
import { quoteId } from './printable.ts';

/** What a tripwire counts by name; `interventions` and `report` name the kind and the number after a colon. */
const COUNTED = {
  repeats: 'alone',
  failures: 'alone',
  refusals: 'alone',
  interventions: 'may name a kind',
  report: 'names a number',
} as const;

type Counted = keyof typeof COUNTED;

/**
 * `repeats`: the same action with the same arguments; `failures`: actions that threw; `refusals`: calls that were
 * refused; `interventions`: records of that kind (`HARD_BLOCK`), null for any; `report`: the value of a number that the
 * application reports.
 */
export interface TripsOn {
  readonly what: Counted;
  readonly name: string | null;
}

const isCounted = (word: string): word is Counted => Object.hasOwn(COUNTED, word);

/** Reads `repeats`, `failures`, `refusals`, `interventions`, `interventions:KIND` or `report:NAME`. */
export function parseTripsOn(text: unknown): TripsOn {
  const colon = typeof text === 'string' ? text.indexOf(':') : -1;
  const word = typeof text !== 'string' ? '' : colon < 0 ? text : text.slice(0, colon);
  const name = colon < 0 ? null : String(text).slice(colon + 1);
  const form = isCounted(word) ? COUNTED[word] : null;
  const isWrong = form === null || (form === 'alone' && name !== null) || (form === 'names a number' && name === null);
  if (isWrong || !isCounted(word) || (name !== null && idProblem(name) !== null))
    throw invalid(
      `${quoteId(text)} is nothing that a tripwire counts: it is repeats, failures, refusals, interventions, interventions:KIND or report:NAME.`,
    );
  return { what: word, name };
}

/** The largest number that a tripwire counts to. */
export const MOST_COUNTED = 1_000_000;

const parses = (text: string): boolean => {
  try {
    parseTripsOn(text);
    return true;
  } catch {
    return false;
  }
};

/** A tripwire: a budget over what calls do. */
export const tripwireSchema = z
  .strictObject({
    on: z.string().refine(parses, { error: 'nothing that a tripwire counts' }),
    /** So many pass, and the next trips; the value of a report trips above it. */
    limit: z.number().min(0),
    window_ms: z.int().min(WINDOW_MS.least).max(WINDOW_MS.most),
    /** What it counts for, and stops: each run, or each agent. */
    scope: z.enum(['run', 'agent']),
    do: z.enum(TRIP_MODES),
  })
  .refine(({ on, limit }) => on.startsWith('report:') || (Number.isInteger(limit) && limit <= MOST_COUNTED), {
    error: `the limit of what is counted is a whole number of at most ${MOST_COUNTED}`,
  });
/** What {@link tripwireSchema} accepts. */
export type Tripwire = z.infer<typeof tripwireSchema>;

/** The tripwire that every switch has until somebody sets or removes one of this name. */
export const DEFAULT_TRIPWIRE = 'repeats';

/** 50 identical calls in 10 minutes pause a run: loops that cost the most make no single call that is wrong. */
export const DEFAULT_TRIPWIRES: Readonly<Record<string, Tripwire>> = deepFreeze({
  [DEFAULT_TRIPWIRE]: { on: 'repeats', limit: 50, window_ms: 600_000, scope: 'run', do: 'paused' },
});

/** Whether two definitions say the same. */
export const isSameTripwire = (after: Tripwire, before: Tripwire): boolean =>
  isNoLooserTripwire(after, before) && isNoLooserTripwire(before, after) && after.window_ms === before.window_ms;

/** Whether a tripwire trips whenever another of the same name would. */
export const isNoLooserTripwire = (after: Tripwire, before: Tripwire): boolean =>
  after.on === before.on &&
  after.scope === before.scope &&
  after.limit <= before.limit &&
  (after.window_ms >= before.window_ms || after.on.startsWith('report:')) &&
  TRIP_MODES.indexOf(after.do) >= TRIP_MODES.indexOf(before.do);
