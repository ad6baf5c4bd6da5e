import { exactUnitsOf, MOST_AMOUNT, SPEND_TYPES, type SpendType, unitsOf } from './amounts.ts';
import {
  type Budget,
  type BudgetWindow,
  formatScope,
  parseScope,
  type Scope,
  type ScopeType,
  type TripMode,
} from './budget-records.ts';
import { amountsFor } from './budget-tiers.ts';
import { ownAndParents, type Subject } from './context.ts';
import { dayAt } from './day-window.ts';
import { deepFreeze } from './freeze.ts';
import { idProblem } from './ids.ts';
import type { State } from './state.ts';
import { liftedAt } from './stops.ts';
import { actionPatterns } from './targets.ts';

/** The window of a ledger's account, by the store's clock, in milliseconds. */
export type LedgerWindow =
  /** `idleMs`: how long after its last change it may be forgotten; null: never. */
  | { readonly is: 'total'; readonly idleMs: number | null }
  | { readonly is: 'fixed'; readonly from: number; readonly until: number }
  | { readonly is: 'sliding'; readonly ms: number };

/** One amount that a call may come to, in one account of the ledger. */
export interface Charge {
  /** What is counted together, and from when on. */
  readonly account: string;
  readonly type: SpendType;
  /** A whole number, in ledger units. */
  readonly amount: number;
  /** The most that the account may come to, in the same units. */
  readonly limit: number;
  /** Warn once when the account has come to this; null: never. */
  readonly warnAt: number | null;
  readonly window: LedgerWindow;
}

/** A charge with the budget that asks for it. */
export interface BudgetCharge extends Charge {
  /** The name of the budget. */
  readonly budget: string;
  /** What is counted, as a scope: `run:r-1` of a budget of each run. */
  readonly counted: string;
  /** What is stopped when it trips; null where the call names nothing that could be. */
  readonly target: string | null;
  readonly do: TripMode;
}

/** A call, as budgets see it. */
export interface SpendingCall {
  readonly subject: Subject;
  /** The context of the call: `user` or `user_id`, `account_id` and what a budget's rule asks for are read of it. */
  readonly context: Readonly<Record<string, unknown>>;
  /** What it may come to, as the action's `spend` says; what is absent is not spent, and `calls` is 1 then. */
  readonly spends: { readonly usd?: unknown; readonly tokens?: unknown; readonly calls?: unknown };
}

/** A budget of users or accounts, for a call whose context names none. */
export interface UncountedBy {
  readonly budget: string;
  readonly type: keyof typeof SPENDER_ATTRIBUTES;
}

/** What a call meets; `blocked`: it says something that cannot be counted, so it must not go on. */
export type MetBudgets =
  /** `uncounted`: the budgets of users or accounts that do not count it, since it names none. */
  | { readonly is: 'met'; readonly charges: readonly BudgetCharge[]; readonly uncounted: readonly UncountedBy[] }
  | { readonly is: 'blocked'; readonly why: string };

const blocked = (why: string): MetBudgets => ({ is: 'blocked', why });

/**
 * How long a run may be idle before what it has spent of a budget without a window is forgotten: there is no end of
 * runs. Anything else is never forgotten.
 */
const IDLE_MS = 35 * 86_400_000;

/** The attributes of a call's context that say for whom it is made; any of them does. */
export const SPENDER_ATTRIBUTES = deepFreeze({ user: ['user', 'user_id'], account: ['account_id'] } as const);

/** The ids of a call that a budget of this type counts for; a text is what is wrong with the call. */
function idsOf(
  type: Exclude<ScopeType, 'day' | 'all'>,
  { subject, context }: SpendingCall,
): readonly string[] | string {
  switch (type) {
    case 'run':
      return ownAndParents(subject.runId, subject.lineageRuns);
    case 'agent':
      return ownAndParents(subject.agentId, subject.lineageAgents);
    case 'mission':
      return ownAndParents(subject.missionId, subject.lineageMissions);
    case 'action':
      return subject.action === undefined ? [] : [subject.action, ...actionPatterns(subject.action)];
    case 'user':
    case 'account': {
      const ids = new Set<string>();
      for (const attribute of SPENDER_ATTRIBUTES[type]) {
        const given = context[attribute];
        if (given === undefined) continue;
        if (typeof given !== 'string') return `${attribute} must be a text`;
        const problem = idProblem(given);
        if (problem !== null) return `${attribute} ${problem}`;
        ids.add(given);
      }
      return ids.size > 1 ? `${SPENDER_ATTRIBUTES[type].join(' and ')} name different ones` : [...ids];
    }
    default:
      return type satisfies never;
  }
}

/** What a budget of this scope counts a call as; a text is what is wrong with the call. */
function countedAs({ type, id }: Scope, call: SpendingCall): readonly Scope[] | string {
  if (type === 'day' || type === 'all') return [{ type, id: null }];
  const ids = idsOf(type, call);
  if (typeof ids === 'string') return ids;
  return (id === null ? ids : ids.includes(id) ? [id] : []).map((each) => ({ type, id: each }));
}

/** What a budget stops that has counted this. */
function targetOf(counted: Scope, { runId, agentId }: Subject): string | null {
  switch (counted.type) {
    case 'day':
    case 'all':
      return 'all';
    case 'user':
    case 'account':
      return runId !== undefined ? `run:${runId}` : agentId !== undefined ? `agent:${agentId}` : null;
    default:
      return formatScope(counted);
  }
}

const ledgerWindow = (window: BudgetWindow, { now, timeZone, isOfEachRun }: Place): LedgerWindow => {
  if (window === 'total') return { is: 'total', idleMs: isOfEachRun ? IDLE_MS : null };
  if (window === 'day') return { is: 'fixed', ...dayAt(now, timeZone) };
  return { is: 'sliding', ms: window };
};

interface Place {
  readonly now: number;
  readonly timeZone: string;
  /** Whether each run has this budget for itself. */
  readonly isOfEachRun: boolean;
}

/** What an account's name says. */
export interface AccountName {
  /** `total`, the beginning of a day in milliseconds, or the length of a sliding window after a `~`. */
  readonly window: string;
  readonly since: number;
  readonly type: SpendType;
  readonly scope: string;
  readonly counted: string;
}

const windowWord = (window: LedgerWindow): string =>
  window.is === 'total' ? 'total' : window.is === 'fixed' ? String(window.from) : `~${window.ms}`;

const accountName = ({ window, since, type, scope, counted }: AccountName): string =>
  JSON.stringify([window, since, type, scope, counted]);

/** The parts of an account's name; null for a text that is none. */
export function readAccountName(text: string): AccountName | null {
  try {
    const parts: unknown = JSON.parse(text);
    if (!Array.isArray(parts) || parts.length !== 5) return null;
    const [window, since, type, scope, counted]: readonly unknown[] = parts;
    const found = SPEND_TYPES.find((each) => each === type);
    if (found === undefined || typeof since !== 'number') return null;
    if (typeof window !== 'string' || typeof scope !== 'string' || typeof counted !== 'string') return null;
    return { window, since, type: found, scope, counted };
  } catch {
    return null;
  }
}

/** What a call comes to in each type; null: it does not spend that, so it asks no budget of it. */
type CallAmounts = Readonly<Record<SpendType, number | null>>;

/** A text is what is wrong with it. */
function amountsOf({ usd, tokens, calls = 1 }: SpendingCall['spends']): CallAmounts | string {
  const [dollars, counted, called] = [
    unitsOf('usd', usd === undefined ? 0 : usd),
    unitsOf('tokens', tokens === undefined ? 0 : tokens),
    unitsOf('calls', calls),
  ];
  if (dollars === null) return 'spend.usd is not an amount of dollars: a finite number of at least 0';
  if (counted === null) return 'spend.tokens is not a number of tokens: a finite number of at least 0';
  if (called === null) return 'spend.calls is not a number of calls: a finite number of at least 0';
  return { usd: usd === undefined ? null : dollars, tokens: tokens === undefined ? null : counted, calls: called };
}

interface Charging {
  readonly state: State;
  readonly call: SpendingCall;
  readonly now: number;
  readonly amounts: CallAmounts;
  /** Takes the budgets that do not count the call, since it names no user or account. */
  readonly uncounted: UncountedBy[];
}

function chargesOf(
  name: string,
  budget: Budget & { readonly since: number },
  { state, call, now, amounts, uncounted }: Charging,
): readonly BudgetCharge[] | string {
  const scope = parseScope(budget.scope);
  const counts = countedAs(scope, call);
  if (typeof counts === 'string') return counts;
  if (counts.length === 0) {
    const { type } = scope;
    const isSpent = SPEND_TYPES.some((each) => budget[each] !== null && amounts[each] !== null);
    if (isSpent && (type === 'user' || type === 'account') && !namesSpender(type, call))
      uncounted.push({ budget: name, type });
    return [];
  }
  const allowed = amountsFor(budget, call.context);
  const window = ledgerWindow(budget.window, {
    now,
    timeZone: budget.time_zone,
    isOfEachRun: scope.type === 'run' && scope.id === null,
  });
  return counts.flatMap((each) => {
    const counted = formatScope(each);
    const since = Math.max(budget.since, liftedAt(state, counted));
    return SPEND_TYPES.flatMap((type): BudgetCharge[] => {
      const [most, amount] = [allowed[type], amounts[type]];
      if (most === null || amount === null) return [];
      const limit = exactUnitsOf(type, most) ?? 0;
      const part = { window: windowWord(window), since, type, scope: budget.scope, counted };
      return [
        {
          ...{ budget: name, counted, target: targetOf(each, call.subject), do: budget.do },
          ...{ account: accountName(part), type, amount, limit, window },
          warnAt: budget.warn === null ? null : Math.min(MOST_AMOUNT, Math.ceil(limit * budget.warn)),
        },
      ];
    });
  });
}

/**
 * The budgets that a call meets, with the window of each at `now`, the store's time in milliseconds. A call whose
 * amounts are nonsense, or whose user cannot be read where a budget asks for it, is blocked; so is any where a time
 * zone is not known here.
 */
export function budgetsFor(state: State, call: SpendingCall, now: number): MetBudgets {
  const amounts = amountsOf(call.spends);
  if (typeof amounts === 'string') return blocked(amounts);
  const charges: BudgetCharge[] = [];
  const uncounted: UncountedBy[] = [];
  for (const [name, budget] of state.budgets) {
    try {
      const found = chargesOf(name, budget, { state, call, now, amounts, uncounted });
      if (typeof found === 'string') return blocked(`the budget ${name} cannot count this call: ${found}`);
      charges.push(...found);
    } catch {
      return blocked(`the budget ${name} cannot be read here: is its time zone ${budget.time_zone} known?`);
    }
  }
  return { is: 'met', charges, uncounted };
}

const namesSpender = (type: UncountedBy['type'], { context }: SpendingCall): boolean =>
  SPENDER_ATTRIBUTES[type].some((attribute) => context[attribute] !== undefined);
