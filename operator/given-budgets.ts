import {
  type Amounts,
  amountsSchema,
  type BudgetWindow,
  exactUnitsOf,
  idProblem,
  invalid,
  parseScope,
  parseTripsOn,
  quoteId,
  SPEND_TYPES,
  type SpendType,
  TRIP_MODES,
  type TripMode,
  WINDOW_MS,
} from '../flags/index.ts';
import { checkKeys, type Keys } from '../flags/options.ts';
import { windowOf } from './budget-changes.ts';
import type { CommandOf } from './commands/index.ts';
import type {
  BudgetOptions,
  ChangeOptions,
  RemoveBudgetOptions,
  RemoveTripwireOptions,
  TripwireOptions,
} from './control-plane.ts';
import { CHANGE_KEYS, change } from './given.ts';
import { jsonObject } from './json-value.ts';

const PLACE_KEYS: Keys<RemoveBudgetOptions> = { ...CHANGE_KEYS, scope: ['budget'], window: ['windowMs'] };

const BUDGET_KEYS: Keys<BudgetOptions> = {
  ...PLACE_KEYS,
  usd: ['dollars'],
  tokens: true,
  calls: true,
  timeZone: ['timezone', 'tz'],
  warn: true,
  do: ['mode'],
  targeting: true,
  tiers: true,
};

/** @throws KillSwitchError INVALID_ARGUMENT */
function givenPlace({ scope, window }: Pick<BudgetOptions, 'scope' | 'window'>) {
  parseScope(scope);
  return { scope, window: windowOf(scope, givenWindow(window)) };
}

function givenWindow(window: BudgetWindow | undefined): BudgetWindow | undefined {
  if (window === undefined || window === 'total' || window === 'day') return window;
  const { least, most } = WINDOW_MS;
  if (typeof window === 'number' && Number.isInteger(window) && window >= least && window <= most) return window;
  throw invalid(
    `The window of a budget is 'total', 'day', or a whole number of milliseconds from ${least} to ${most}, not ${quoteId(window)}.`,
  );
}

function givenAmount(type: SpendType, amount: number | null | undefined): number | null | undefined {
  if (amount === undefined || amount === null) return amount;
  if (typeof amount === 'number' && exactUnitsOf(type, amount) !== null) return amount;
  const what = type === 'usd' ? 'dollars with at most six decimals' : `a whole number of ${type}`;
  throw invalid(`A budget has ${what} from 0 on, or null for no limit, not ${quoteId(amount)}.`);
}

function givenTiers(tiers: BudgetOptions['tiers']): Readonly<Record<string, Amounts>> | undefined {
  if (tiers === undefined) return undefined;
  const named = jsonObject('tiers', 'an object of amounts, each under the name of its tier', tiers);
  return Object.fromEntries(
    Object.entries(named).map(([name, tier]) => {
      const amounts = checkKeys(`the tier ${quoteId(name)}`, Object(tier), { usd: true, tokens: true, calls: true });
      const parsed = amountsSchema.safeParse({ usd: null, tokens: null, calls: null, ...amounts });
      if (!parsed.success) throw invalid(`The tier ${quoteId(name)} has amounts in usd, tokens and calls.`);
      return [name, parsed.data];
    }),
  );
}

const givenMode = (mode: TripMode | undefined): TripMode | undefined => {
  if (mode === undefined || TRIP_MODES.includes(mode)) return mode;
  throw invalid(`What a budget or a tripwire does is one of ${TRIP_MODES.join(', ')}, not ${quoteId(mode)}.`);
};

/** @throws KillSwitchError INVALID_ARGUMENT */
export function givenBudget(options: BudgetOptions): CommandOf<'budget'> {
  const { scope, window, timeZone, warn, targeting, tiers, ...given } = checkKeys('setBudget', options, BUDGET_KEYS);
  if (warn !== undefined && warn !== null && !(typeof warn === 'number' && warn > 0 && warn < 1))
    throw invalid(`warn is a share between 0 and 1, such as 0.8, or null, not ${quoteId(warn)}.`);
  if (timeZone !== undefined && typeof timeZone !== 'string')
    throw invalid(`timeZone is the name of a time zone, such as Europe/Berlin, not ${quoteId(timeZone)}.`);
  const [usd, tokens, calls] = SPEND_TYPES.map((type) => givenAmount(type, given[type]));
  return {
    ...{ type: 'budget', ...givenPlace({ scope, window }), ...change(given) },
    part: {
      ...{ usd, tokens, calls, warn, do: givenMode(given.do), time_zone: timeZone, tiers: givenTiers(tiers) },
      targeting:
        targeting === undefined || targeting === null
          ? targeting
          : { ...jsonObject('targeting', "a rule of flagd's as a JSON object, or null", targeting) },
    },
  };
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export function givenRemovedBudget(options: RemoveBudgetOptions): CommandOf<'budget'> {
  const given = checkKeys('removeBudget', options, PLACE_KEYS);
  return { type: 'budget', ...givenPlace(given), part: null, ...change(given) };
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

/** @throws KillSwitchError INVALID_ARGUMENT */
export function givenTripwire(options: TripwireOptions): CommandOf<'tripwire'> {
  const given = checkKeys('setTripwire', options, TRIPWIRE_KEYS);
  const { name, on, limit, windowMs, scope } = given;
  if (on !== undefined) parseTripsOn(on);
  if (limit !== undefined && !(typeof limit === 'number' && Number.isFinite(limit) && limit >= 0))
    throw invalid(`The limit of a tripwire is a finite number of at least 0, not ${quoteId(limit)}.`);
  if (windowMs !== undefined) givenWindow(windowMs);
  if (scope !== undefined && scope !== 'run' && scope !== 'agent')
    throw invalid(`The scope of a tripwire is run or agent, not ${quoteId(scope)}.`);
  const part = { on, limit, window_ms: windowMs, scope, do: givenMode(given.do) };
  return { type: 'tripwire', name: tripwireName(name), part, ...change(given) };
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export function givenRemovedTripwire(options: RemoveTripwireOptions): CommandOf<'tripwire'> {
  const keys: Keys<RemoveTripwireOptions & ChangeOptions> = { ...CHANGE_KEYS, name: ['tripwire'] };
  const given = checkKeys('removeTripwire', options, keys);
  return { type: 'tripwire', name: tripwireName(given.name), part: null, ...change(given) };
}
