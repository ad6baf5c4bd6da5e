import {
  type Amounts,
  type Budget,
  budgetSchema,
  type BudgetWindow,
  definitionOf,
  DEFAULT_TRIPWIRES,
  defaultWindow,
  nameOfBudget,
  parseScope,
  SPEND_TYPES,
  type StateView,
  tierRuleProblem,
  timeZoneProblem,
  type Tripwire,
  tripwireOf,
  tripwireSchema,
  WARN_SHARE,
} from '../flags/index.ts';

/** What somebody sets of a budget; what is absent stays as it is. */
export type BudgetPart = { readonly [K in Exclude<keyof Budget, 'scope' | 'window'>]?: Budget[K] | undefined };

/** What somebody sets of a tripwire; what is absent stays as it is. */
export type TripwirePart = { readonly [K in keyof Tripwire]?: Tripwire[K] | undefined };

/** A budget or a tripwire as it is to be, or what is wrong with it, as a sentence. */
export type Made<T> = { readonly definition: T } | { readonly problem: string };

const said = (error: { readonly issues: ReadonlyArray<{ readonly path: readonly PropertyKey[]; message: string }> }) =>
  error.issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`).join('; ');

const given = <T extends object>(part: T): Partial<T> =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- some of its own members, as they are
  Object.fromEntries(Object.entries(part).filter(([, value]) => value !== undefined)) as Partial<T>;

const NONE: Amounts = { usd: null, tokens: null, calls: null };

const NEW: Omit<Budget, 'scope' | 'window'> = {
  ...NONE,
  time_zone: 'UTC',
  warn: WARN_SHARE,
  do: 'paused',
  targeting: null,
  tiers: {},
};

/** The window of a budget; default: the usual one of its scope. @throws KillSwitchError for a scope that is none */
export const windowOf = (scope: string, window: BudgetWindow | undefined): BudgetWindow =>
  window ?? defaultWindow(parseScope(scope));

/** A budget as it is once this part of it was set. */
export function budgetWith(
  view: StateView,
  place: { readonly scope: string; readonly window: BudgetWindow },
  part: BudgetPart,
): Made<Budget> {
  const name = nameOfBudget(place);
  const before = view.get('budget', name);
  const parsed = budgetSchema.safeParse({ ...NEW, ...(before && definitionOf(before)), ...given(part), ...place });
  if (!parsed.success) return { problem: `This is no budget (${said(parsed.error)}).` };
  const definition = parsed.data;
  const zone = timeZoneProblem(definition.time_zone);
  if (zone !== null) return { problem: `The time zone ${JSON.stringify(definition.time_zone)} ${zone}.` };
  const rule = tierRuleProblem(definition);
  if (rule !== null) return { problem: `The rule of this budget cannot be used: it ${rule}.` };
  if (place.window !== 'day' && part.time_zone !== undefined)
    return { problem: 'A time zone is for budgets of a day: give it the window day, or leave out the time zone.' };
  if (place.window !== 'day' && parseScope(place.scope).type === 'day')
    return { problem: 'The budget day has the window day. For another window take the scope all.' };
  if (definition.targeting === null && Object.keys(definition.tiers).length > 0)
    return { problem: 'Tiers are for a rule that names them: give one (targeting), or leave the tiers out.' };
  const amounts = [definition, ...Object.values(definition.tiers)];
  if (!amounts.some((each) => SPEND_TYPES.some((type) => each[type] !== null)))
    return {
      problem: 'A budget has an amount in dollars, tokens or calls: give at least one. To take it away: budget remove.',
    };
  return { definition };
}

/** A tripwire as it is once this part of it was set. */
export function tripwireWith(view: StateView, name: string, part: TripwirePart): Made<Tripwire> {
  const before =
    tripwireOf(view, name) ?? (Object.hasOwn(DEFAULT_TRIPWIRES, name) ? DEFAULT_TRIPWIRES[name] : undefined);
  const added = { scope: 'run', do: 'paused', ...before, ...given(part) };
  // A report trips by its value alone, so nobody has to think of a window for it.
  const window = added.window_ms ?? (String(added.on).startsWith('report:') ? 600_000 : undefined);
  if (added.limit === undefined || window === undefined)
    return { problem: `A new tripwire takes a limit and, but for a report, a window: so many in that time.` };
  const parsed = tripwireSchema.safeParse({ ...added, window_ms: window });
  if (parsed.success) return { definition: parsed.data };
  return { problem: `This is no tripwire (${said(parsed.error)}). It takes what it counts, a limit and a window.` };
}
