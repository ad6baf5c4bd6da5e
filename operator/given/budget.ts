import {
  type Amounts,
  amountsSchema,
  type BudgetWindow,
  exactUnitsOf,
  invalid,
  parseScope,
  quoteId,
  SPEND_TYPES,
  type SpendType,
  TRIP_MODES,
  type TripMode,
  WINDOW_MS,
} from '../../flags/index.ts';
import { checkKeys, type Keys } from '../../flags/options.ts';
import { windowOf } from '../budget-changes.ts';
import type { CommandOf } from '../commands/index.ts';
import { change, CHANGE_KEYS, type ChangeOptions } from './change.ts';
import { jsonObject } from '../json-value.ts';

/** Which budget: its scope, and its window where that is not the usual one. */
export interface RemoveBudgetOptions extends ChangeOptions {
  /** `day`, `all`, `agent:ID`, `mission:ID`, `run:ID`, `action:PATTERN`, `user:ID`, `account:ID`; `run`: each one. */
  readonly scope: string;
  /**
   * `total` (default): without an end; `day` (default of the scope `day`); or a sliding window, in milliseconds: with
   * `calls` that is a rate.
   */
  readonly window?: BudgetWindow | undefined;
}

/** What is set of a budget; what is absent stays as it is. */
export interface BudgetOptions extends RemoveBudgetOptions {
  /** Dollars, with at most six decimals; null: not limited. */
  readonly usd?: number | null | undefined;
  /** Whole numbers; null: not limited. */
  readonly tokens?: number | null | undefined;
  readonly calls?: number | null | undefined;
  /** The time zone of a budget of a day, such as `Europe/Berlin`; default `UTC`. */
  readonly timeZone?: string | undefined;
  /** The share at which it warns once; default 0.8; null: it does not. */
  readonly warn?: number | null | undefined;
  /** What it leaves of the run, the agent or whatever it counts, when it trips; default `paused`. */
  readonly do?: TripMode | undefined;
  /** A rule of flagd's that answers with the name of a tier, by the context of the call; null: none. */
  readonly targeting?: unknown;
  /** The amounts of each tier. */
  readonly tiers?: Readonly<Record<string, Partial<Amounts>>> | undefined;
}

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

export function givenWindow(window: BudgetWindow | undefined): BudgetWindow | undefined {
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

export const tripMode = (mode: TripMode | undefined): TripMode | undefined => {
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
      ...{ usd, tokens, calls, warn, do: tripMode(given.do), time_zone: timeZone, tiers: givenTiers(tiers) },
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
