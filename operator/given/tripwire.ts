import { closest } from '../../flags/closest.ts';
import { idProblem, invalid, INTERVENTION_TYPES, parseTripsOn, quoteId, type TripMode } from '../../flags/index.ts';
import { checkKeys, type Keys } from '../../flags/options.ts';
import type { CommandOf } from '../commands/index.ts';
import { givenWindow, tripMode } from './budget.ts';
import { change, CHANGE_KEYS, type ChangeOptions } from './change.ts';

export interface RemoveTripwireOptions extends ChangeOptions {
  readonly name: string;
}

/** What is set of a tripwire; what is absent stays as it is. */
export interface TripwireOptions extends RemoveTripwireOptions {
  /** `repeats`, `failures`, `refusals`, `interventions`, `interventions:KIND` or `report:NAME`. */
  readonly on?: string | undefined;
  /** So many pass, and the next trips; a report trips above it. */
  readonly limit?: number | undefined;
  readonly windowMs?: number | undefined;
  /** What it counts for, and stops: each `run` (default) or each `agent`. */
  readonly scope?: 'run' | 'agent' | undefined;
  /** What it leaves; default `paused`. */
  readonly do?: TripMode | undefined;
}

function tripwireName(name: unknown): string {
  const problem = idProblem(name);
  if (problem === null) return String(name);
  throw invalid(`${quoteId(name)} is not the name of a tripwire: it ${problem}.`);
}

const TRIPWIRE_KEYS: Keys<TripwireOptions> = {
  ...CHANGE_KEYS,
  name: ['tripwire'],
  on: true,
  limit: true,
  windowMs: ['window'],
  scope: true,
  do: ['mode'],
};

/** What a tripwire counts, of a kind that there is: one of no kind would never trip. */
export function givenOn(on: string): string {
  const { what, name } = parseTripsOn(on);
  if (what !== 'interventions' || name === null) return on;
  const kind = name.toUpperCase();
  if (INTERVENTION_TYPES.some((type) => type === kind)) return on;
  const meant = closest(kind, INTERVENTION_TYPES);
  throw invalid(
    `${quoteId(name)} is no kind of intervention: it is one of ${INTERVENTION_TYPES.join(', ')}.${meant === undefined ? '' : ` Did you mean interventions:${meant}?`}`,
  );
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export function givenTripwire(options: TripwireOptions): CommandOf<'tripwire'> {
  const given = checkKeys('setTripwire', options, TRIPWIRE_KEYS);
  const { name, on, limit, windowMs, scope } = given;
  if (on !== undefined) givenOn(on);
  if (limit !== undefined && !(typeof limit === 'number' && Number.isFinite(limit) && limit >= 0))
    throw invalid(`The limit of a tripwire is a finite number of at least 0, not ${quoteId(limit)}.`);
  if (windowMs !== undefined) givenWindow(windowMs);
  if (scope !== undefined && scope !== 'run' && scope !== 'agent')
    throw invalid(`The scope of a tripwire is run or agent, not ${quoteId(scope)}.`);
  const part = { on, limit, window_ms: windowMs, scope, do: tripMode(given.do) };
  return { type: 'tripwire', name: tripwireName(name), part, ...change(given) };
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export function givenRemovedTripwire(options: RemoveTripwireOptions): CommandOf<'tripwire'> {
  const keys: Keys<RemoveTripwireOptions & ChangeOptions> = { ...CHANGE_KEYS, name: ['tripwire'] };
  const given = checkKeys('removeTripwire', options, keys);
  return { type: 'tripwire', name: tripwireName(given.name), part: null, ...change(given) };
}
