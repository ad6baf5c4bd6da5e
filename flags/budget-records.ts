import { canonicalize } from 'json-canonicalize';
import { z } from 'zod';
import { exactUnitsOf, SPEND_TYPES, type SpendType } from './amounts.ts';
import { invalid, messageOf } from './errors.ts';
import { idProblem } from './ids.ts';
import { quoteId } from './printable.ts';
import { membersSchema } from './records.ts';
import { actionNameProblem, isPattern, parseTarget } from './targets.ts';

/** What a budget is of. `ids`: whether it names one, is for each one, or may do either. */
const SCOPES = {
  day: 'no id',
  all: 'no id',
  run: 'one or each',
  agent: 'one or each',
  mission: 'one or each',
  user: 'one or each',
  account: 'one or each',
  action: 'one',
} as const;

/** The first word of a scope. */
export type ScopeType = keyof typeof SCOPES;

/** `id`: null for `day` and `all`, and where each one has a budget of its own (`run`). */
export interface Scope {
  readonly type: ScopeType;
  readonly id: string | null;
}

const isScopeType = (word: string): word is ScopeType => Object.hasOwn(SCOPES, word);

const FORMS =
  'day, all, run, agent, mission, user or account (for each one a budget of its own), agent:ID, mission:ID, run:ID, user:ID, account:ID or action:PATTERN';

/**
 * Reads the scope of a budget: `day` and `all` are everything together, `run` is each run for itself, `agent:ID` is
 * one.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function parseScope(text: unknown): Scope {
  const colon = typeof text === 'string' ? text.indexOf(':') : -1;
  const word = typeof text !== 'string' ? '' : colon < 0 ? text : text.slice(0, colon);
  if (!isScopeType(word)) throw invalid(`${quoteId(text)} is not the scope of a budget: it is ${FORMS}.`);
  const ids = SCOPES[word];
  if (colon < 0) {
    if (ids === 'one') throw invalid(`${quoteId(text)} is not the scope of a budget: say which, as in action:mail.*`);
    return { type: word, id: null };
  }
  if (ids === 'no id') throw invalid(`${quoteId(text)} is not the scope of a budget: "${word}" stands alone.`);
  const id = String(text).slice(colon + 1);
  if (word === 'action') parseTarget(text);
  const problem = word === 'action' ? (isPattern(id) ? null : actionNameProblem(id)) : idProblem(id);
  if (problem) throw invalid(`${quoteId(text)} is not the scope of a budget: what follows "${word}:" ${problem}.`);
  return { type: word, id };
}

/** A scope as people write it. */
export const formatScope = ({ type, id }: Scope): string => (id === null ? type : `${type}:${id}`);

/** Whether a budget of this scope counts that: one thing of its kind, or the very one that it names. */
export const countsOf = (scope: Scope, { type, id }: Scope): boolean =>
  type === scope.type && (scope.id === null || scope.id === id);

/** The longest and the shortest sliding window, in milliseconds. */
export const WINDOW_MS = Object.freeze({ least: 1000, most: 366 * 86_400_000 } as const);

/**
 * For how long amounts count together: `total`, without an end; `day`, until midnight; or a sliding window of so many
 * milliseconds, which makes a budget of calls a rate.
 */
export type BudgetWindow = 'total' | 'day' | number;

/** The window of a budget that names none. */
export const defaultWindow = ({ type }: Scope): BudgetWindow => (type === 'day' ? 'day' : 'total');

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

/** A window as people write it: `day`, `10m`. */
export function formatWindow(window: BudgetWindow): string {
  if (typeof window === 'string') return window;
  const [unit, ms] = UNITS.find(([, each]) => window % each === 0) ?? ['ms', 1];
  return `${window / ms}${unit}`;
}

/**
 * The name of a budget: its scope, and before that its window where it is not the usual one: `agent:returns-bot`, `10m
 * agent:returns-bot`. A scope may have one budget for each window.
 */
export function budgetName(scope: Scope, window: BudgetWindow): string {
  return window === defaultWindow(scope) ? formatScope(scope) : `${formatWindow(window)} ${formatScope(scope)}`;
}

/** A budget as it can be typed: its scope, and its window where that is not the usual one. */
export function budgetWords({ scope, window }: { readonly scope: string; readonly window: BudgetWindow }): string {
  return window === defaultWindow(parseScope(scope)) ? scope : `${scope} --window ${formatWindow(window)}`;
}

/** What happens when a budget or a tripwire trips: the mode that its stop leaves. The strictest is last. */
export const TRIP_MODES = Object.freeze(['draft_only', 'paused', 'full_stop'] as const);

/** One of {@link TRIP_MODES}. */
export type TripMode = (typeof TRIP_MODES)[number];

/** The share of a budget at which it warns once, where it says no other. */
export const WARN_SHARE = 0.8;

const amountOf = (type: SpendType) =>
  z
    .number()
    .nullable()
    .refine((given) => given === null || exactUnitsOf(type, given) !== null, { error: `no amount in ${type}` });

/** Amounts as people write them, in dollars, tokens and calls; null for what is not limited. */
export const amountsSchema = z.strictObject({
  usd: amountOf('usd'),
  tokens: amountOf('tokens'),
  calls: amountOf('calls'),
});
/** What {@link amountsSchema} accepts. */
export type Amounts = z.infer<typeof amountsSchema>;

const scopeSchema = z.string().superRefine((text, context) => {
  try {
    parseScope(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) });
  }
});

/** How many tiers a budget may have. */
export const MOST_TIERS = 100;

/** A budget. */
export const budgetSchema = z.strictObject({
  scope: scopeSchema,
  window: z.union([z.literal('total'), z.literal('day'), z.int().min(WINDOW_MS.least).max(WINDOW_MS.most)]),
  ...amountsSchema.shape,
  /** The time zone of its days. */
  time_zone: z.string().min(1).max(100),
  /** The share of an amount at which it warns once; null: it does not. */
  warn: z.number().gt(0).lt(1).nullable(),
  do: z.enum(TRIP_MODES),
  /**
   * A rule of flagd's that answers, by the context of a call, with the name of one of `tiers`, whose amounts then count
   * in place of the budget's own. Null: the same for everyone.
   */
  targeting: membersSchema.nullable(),
  tiers: membersSchema
    .pipe(z.record(z.string(), amountsSchema))
    .refine((tiers) => Object.keys(tiers).length <= MOST_TIERS, { error: `more than ${MOST_TIERS} tiers` }),
});
/** What {@link budgetSchema} accepts. */
export type Budget = z.infer<typeof budgetSchema>;

/** The name of a budget by its definition. */
export const nameOfBudget = ({ scope, window }: Pick<Budget, 'scope' | 'window'>): string =>
  budgetName(parseScope(scope), window);

/** Whether two definitions say the same. */
export const isSameBudget = (after: Budget, before: Budget): boolean =>
  canonicalize(budgetSchema.parse(after)) === canonicalize(definitionOf(before));

/** The members of a definition, without those that its entry has besides. */
export const definitionOf = (budget: Budget): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(budget).filter(([member]) => Object.hasOwn(budgetSchema.shape, member)));

/**
 * Whether a budget allows no more than another of the same name, in anything: then it takes its place without a reason.
 * Which of two rules or time zones allows less cannot be told, so another one is none of that.
 */
export function isNoLooser(after: Budget, before: Budget): boolean {
  const same = (part: (budget: Budget) => unknown): boolean => canonicalize(part(after)) === canonicalize(part(before));
  const unlimited = (amount: number | null): number => amount ?? Number.POSITIVE_INFINITY;
  return (
    SPEND_TYPES.every((type) => unlimited(after[type]) <= unlimited(before[type])) &&
    TRIP_MODES.indexOf(after.do) >= TRIP_MODES.indexOf(before.do) &&
    same(({ time_zone, targeting, tiers }) => [time_zone, targeting, tiers])
  );
}
