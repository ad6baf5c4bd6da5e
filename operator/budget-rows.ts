import {
  type AccountName,
  type BudgetWindow,
  countsOf,
  dayAt,
  type Entry,
  exactUnitsOf,
  liftedAt,
  parseScope,
  readAccountName,
  shownAmount,
  SPEND_TYPES,
  type SpendType,
  type State,
  stopTerms,
  TRIP_MODES,
  type Tripwire,
  tripwiresOf,
  type TripMode,
} from '../flags/index.ts';
import type { KeptAccount } from '../store/capabilities/ledger.ts';
import type { ControlConnection } from '../store/ports.ts';
import { stopsTill } from './held-stops.ts';

/** One amount of a budget, for all that it counts together: of a budget of each run, a row for each run. */
export interface BudgetRow {
  readonly name: string;
  readonly scope: string;
  readonly window: BudgetWindow;
  readonly time_zone: string;
  /** What was counted, as a scope: `run:r-1`; null where nothing of it has been spent. */
  readonly counted: string | null;
  readonly type: SpendType;
  /** In dollars, tokens or calls, as are all amounts of this row; without a call, a budget's rule does not count. */
  readonly limit: number;
  /** Settled, and set aside; null where the ledger could not be read. */
  readonly spent: number | null;
  readonly reserved: number | null;
  readonly left: number | null;
  /**
   * How much of it goes in an hour, on the average of its window so far; null where that is not known or not yet a
   * minute long, nothing is left, or what it counts is stopped.
   */
  readonly per_hour: number | null;
  /** When nothing is left at that rate, RFC 3339 UTC; null without a rate, or where it fills up again before. */
  readonly empty_at: string | null;
  readonly warn: number | null;
  readonly do: TripMode;
  /** True where a rule gives some calls other amounts than these. */
  readonly has_tiers: boolean;
  /** True where a call did not fit and what this counts was stopped for it, until a person revives that. */
  readonly tripped: boolean;
}

/** True where so much of it is spent or set aside that it warns, and it has not tripped. */
export const isNearlySpent = ({ warn, limit, left, tripped }: BudgetRow): boolean =>
  warn !== null && left !== null && limit > 0 && !tripped && limit - left >= warn * limit;

/** A tripwire; `is_default`: nobody has set it. */
export interface TripwireRow extends Tripwire {
  readonly name: string;
  readonly is_default: boolean;
}

interface Place {
  readonly state: State;
  /** The store's clock, in milliseconds. */
  readonly now: number;
  /** The targets that executors have stopped, whether or not the log says so yet. */
  readonly stopped: ReadonlySet<string>;
  /** The budgets that have tripped, each with what it had counted. */
  readonly tripped: ReadonlySet<string>;
}

/** The shortest time of which a rate is told, in milliseconds: one call in a second is not 3600 in an hour. */
const SHORTEST_MS = 60_000;

/** Whether what is counted so spends nothing, because it is stopped; of users and accounts nobody knows. */
function isStopped(counted: string, { state, stopped }: Place): boolean {
  const { type } = parseScope(counted);
  const targets = type === 'day' || type === 'user' || type === 'account' ? ['all'] : [counted, 'all'];
  return targets.some((each) => stopped.has(each) || TRIP_MODES.some((mode) => mode === state.get('kill', each)?.mode));
}

/** A budget and what it has counted, as one text. */
const countedBy = (name: string, counted: string): string => JSON.stringify([name, counted]);

/** What a row counts, and since when its window is open, in milliseconds. */
interface Counting {
  readonly counted: string;
  readonly from: number;
}

/** Whether a budget counts what an account is named after: executors name accounts, and one may write anything. */
function isCountedIn(budget: Entry<'budget'>, counted: string): boolean {
  try {
    return countsOf(parseScope(budget.scope), parseScope(counted));
  } catch {
    return false;
  }
}

/** What an account counts now for this budget; null where its window is over, or it was counted anew since. */
function countingOf(
  { window, since, scope, counted }: AccountName,
  budget: Entry<'budget'>,
  at: Place,
): Counting | null {
  if (scope !== budget.scope || since !== Math.max(budget.since, liftedAt(at.state, counted))) return null;
  if (!isCountedIn(budget, counted)) return null;
  const begun = Date.parse(at.state.get('lifted', counted)?.at ?? budget.at);
  if (window === 'total') return budget.window === 'total' ? { counted, from: begun } : null;
  if (window.startsWith('~'))
    return `~${budget.window}` === window ? { counted, from: at.now - Number(budget.window) } : null;
  if (budget.window !== 'day') return null;
  const { from } = dayAt(at.now, budget.time_zone);
  return String(from) === window ? { counted, from } : null;
}

/** How much goes in an hour; null where that cannot be told yet, or nothing goes any more. */
function rateOf(gone: number, { counted, from }: Counting, at: Place): number | null {
  const ms = at.now - from;
  if (gone === 0) return 0;
  return ms < SHORTEST_MS || isStopped(counted, at) ? null : gone / (ms / 3_600_000);
}

function rowOf(
  name: string,
  budget: Entry<'budget'>,
  {
    type,
    counting,
    account,
    at,
  }: { type: SpendType; counting: Counting | null; account: KeptAccount | null; at: Place },
): BudgetRow {
  const { now } = at;
  const { scope, window, time_zone, warn } = budget;
  const limit = budget[type] ?? 0;
  const shown = (units: number | null): number | null => (units === null ? null : shownAmount(type, units));
  const [spent, reserved] = account ? [account.spent, account.reserved] : [null, null];
  const gone = spent === null || reserved === null ? null : spent + reserved;
  const left = gone === null ? null : Math.max(0, (exactUnitsOf(type, limit) ?? 0) - gone);
  const rate = gone === null || left === 0 || !counting ? null : rateOf(gone, counting, at);
  const emptyAt = rate === null || rate === 0 || left === null ? null : now + (left / rate) * 3_600_000;
  const end = window === 'day' ? dayAt(now, time_zone).until : Number.POSITIVE_INFINITY;
  const isEmptied = emptyAt !== null && emptyAt < end && typeof window !== 'number' && emptyAt < 8.64e15;
  return {
    ...{ name, scope, window, time_zone, counted: counting?.counted ?? null, type, limit },
    ...{ spent: shown(spent), reserved: shown(reserved), left: shown(left), per_hour: shown(rate) },
    ...{ empty_at: isEmptied ? new Date(emptyAt).toISOString() : null, warn, do: budget.do },
    has_tiers: budget.targeting !== null,
    tripped: counting !== null && at.tripped.has(countedBy(name, counting.counted)),
  };
}

/** All budgets, with what the accounts of a ledger say; null: the ledger could not be read. */
function budgetRows(at: Place, accounts: readonly KeptAccount[] | null): BudgetRow[] {
  const named = (accounts ?? []).flatMap((account) => {
    const parts = readAccountName(account.account);
    return parts ? [{ account, parts }] : [];
  });
  return [...at.state.budgets].flatMap(([name, budget]) => {
    const isOne = parseScope(budget.scope).id !== null || budget.scope === 'day' || budget.scope === 'all';
    return SPEND_TYPES.filter((type) => budget[type] !== null).flatMap((type): BudgetRow[] => {
      const rows = named.flatMap(({ account, parts }) => {
        const counting = parts.type === type ? countingOf(parts, budget, at) : null;
        return counting ? [rowOf(name, budget, { type, counting, account, at })] : [];
      });
      if (rows.length > 0) return rows.toSorted((a, b) => (a.left ?? 0) - (b.left ?? 0));
      const nothing = accounts && { account: '', spent: 0, reserved: 0 };
      const counting = isOne ? { counted: budget.scope, from: at.now } : null;
      return [rowOf(name, budget, { type, counting, account: nothing, at })];
    });
  });
}

/** The budgets whose stops the log has, as kills; where a person has made one stricter, each that counts the same. */
function trippedByKills({ kills, budgets }: State): string[] {
  const all = Object.values(kills).flatMap((each) => [...each.values()]);
  return all
    .filter(({ counted = [], cause }) => counted.length > 0 && cause?.kind !== 'tripwire')
    .flatMap(({ counted = [], killed_by: by }) => {
      const names = by.startsWith('budget:') ? [by.slice('budget:'.length)] : [...budgets].map(([name]) => name);
      return names.flatMap((name) => counted.map((each) => countedBy(name, each)));
    });
}

/** The same of a store's ledger. One that cannot be read hides no budget. */
export async function readBudgets(
  connection: Pick<ControlConnection, 'ledger' | 'stops'>,
  { state, time }: { readonly state: State; readonly time: string },
): Promise<BudgetRow[]> {
  if (state.budgets.size === 0) return [];
  const kept = await connection.ledger?.accounts().catch(() => null);
  const holding = (await stopsTill(connection, state).catch(() => [])).filter(
    (stop) => stopTerms(state, stop) !== null,
  );
  const stopped = new Set(holding.map(({ target }) => target));
  const tripped = new Set([
    ...holding.flatMap((stop) => (stop.by === 'budget' ? [countedBy(stop.name, stop.counted)] : [])),
    ...trippedByKills(state),
  ]);
  return budgetRows({ state, now: Date.parse(time), stopped, tripped }, kept?.accounts ?? null);
}

/** All tripwires. */
export const tripwireRows = (state: State): TripwireRow[] =>
  [...tripwiresOf(state)].map(([name, definition]) => ({
    name,
    ...definition,
    is_default: !state.tripwires.has(name),
  }));
