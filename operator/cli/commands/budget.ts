import { Option } from 'commander';
import {
  budgetName,
  budgetWords,
  invalid,
  isNoRule,
  parseScope,
  quoteId,
  shellWord,
  SPENDER_ATTRIBUTES,
  shownId,
  TRIP_MODES,
  type TripMode,
} from '../../../flags/index.ts';
import { windowOf } from '../../budget-changes.ts';
import type { BudgetRow } from '../../budget-rows.ts';
import type { ControlPlane } from '../../control-plane.ts';
import type { BudgetOptions } from '../../given/budget.ts';
import { breakGlassOption, epochOption, oneOf, parseJson, parseTargeting, reasonOption } from '../arguments.ts';
import { budgetColumns, budgetText, parseWindow, scopeArgument, windowOption } from '../budgets.ts';
import type { Answer, Context, Verb } from '../command.ts';
import { formOf } from '../listing.ts';
import { saidOfNames } from '../named.ts';
import { tableLines } from '../table.ts';

/** Stands for null until all is parsed: what a parser answers with null, commander takes for an empty word. */
const NONE = 'none';
type None = typeof NONE;

interface Typed {
  readonly usd?: number | None;
  readonly tokens?: number | None;
  readonly calls?: number | None;
  readonly window?: string;
  readonly timeZone?: string;
  readonly do?: TripMode;
  readonly warn?: number | None;
  readonly targeting?: Readonly<Record<string, unknown>> | null;
  readonly tiers?: BudgetOptions['tiers'];
  readonly reason?: string;
  readonly epoch?: number;
  readonly breakGlass?: true;
}

const amount = (flag: string, what: string): Option =>
  new Option(`--${flag} <number>`, `${what}; none: not limited`).argParser((text) => {
    if (text === NONE) return NONE;
    if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
    throw invalid(`--${flag} takes a number of at least 0, such as 50 or 0.25, or none, not ${quoteId(text)}.`);
  });

/** A share as people write it. */
function parseShare(text: string): number | None {
  if (text === NONE) return NONE;
  const [, percent] = /^(\d{1,2}(?:\.\d+)?)%$/.exec(text) ?? [];
  if (percent !== undefined && Number(percent) > 0) return Number(percent) / 100;
  throw invalid(`--warn takes a share such as 80%, or none, not ${quoteId(text)}.`);
}

const readTiers = parseJson('--tiers', 'the amounts of each tier as a JSON object, such as {"gold":{"usd":500}}');

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- setBudget checks what is in it
const parseTiers = (text: string) => readTiers(text) as BudgetOptions['tiers'];

export const verb: Verb = (command, perform) => {
  command
    .addArgument(scopeArgument())
    .addOption(amount('usd', 'how many dollars'))
    .addOption(amount('tokens', 'how many tokens'))
    .addOption(amount('calls', 'how many calls; with --window a rate'))
    .addOption(windowOption())
    .option('--time-zone <zone>', 'the time zone of its days, such as Europe/Berlin (default: UTC)')
    .addOption(
      new Option('--do <mode>', `what it leaves when it trips: ${TRIP_MODES.join(', ')} (default: paused)`).argParser(
        oneOf('what a budget does', TRIP_MODES),
      ),
    )
    .addOption(new Option('--warn <share>', 'warn once at this share, or none (default: 80%)').argParser(parseShare))
    .addOption(
      new Option(
        '--targeting <rule>',
        'a flagd rule that answers with the name of a tier, by the context of the call; {}: none',
      ).argParser(parseTargeting),
    )
    .addOption(new Option('--tiers <json>', 'the amounts of each tier: {"gold":{"usd":500}}').argParser(parseTiers))
    .addOption(reasonOption())
    .addOption(epochOption())
    .addOption(breakGlassOption())
    .action(perform((context, scope: string, typed: Typed) => showOrSet(context, scope, typed)));
};

const rowsOf = async (control: ControlPlane, name: string): Promise<BudgetRow[]> =>
  (await control.budgets()).data.filter((row) => row.name === name);

/** What it does. It is recorded by then, also where it cannot be read again. */
const what = async (control: ControlPlane, name: string): Promise<string[]> =>
  rowsOf(control, name).then(
    (rows) => [budgetText(rows)].filter((text) => text !== ''),
    () => [],
  );

/** That no budget has counted a user or an account; undefined for a scope that executors report. */
function uncounted(scope: string): string | undefined {
  const { type, id } = parseScope(scope);
  if ((type !== 'user' && type !== 'account') || id === null) return undefined;
  const attribute = SPENDER_ATTRIBUTES[type].join(' or ');
  return `NO BUDGET HAS COUNTED ${shownId(scope)} YET: executors report no ${type}s, only calls whose context says ${attribute} ${quoteId(id)} count.`;
}

/** Whether what was nearly meant can have a budget: a feature has none. */
function isScope(near: string): boolean {
  try {
    return parseScope(near).id !== null;
  } catch {
    return false;
  }
}

const orNull = (value: number | None): number | null => (value === NONE ? null : value);

async function showOrSet(context: Context, scope: string, { window, targeting, ...typed }: Typed): Promise<Answer> {
  const { reason, epoch, breakGlass, usd, tokens, calls, warn, ...others } = typed;
  const part = {
    ...others,
    ...(usd !== undefined && { usd: orNull(usd) }),
    ...(tokens !== undefined && { tokens: orNull(tokens) }),
    ...(calls !== undefined && { calls: orNull(calls) }),
    ...(warn !== undefined && { warn: orNull(warn) }),
  };
  const place = { scope, ...(window !== undefined && { window: parseWindow(window) }) };
  const name = budgetName(parseScope(scope), windowOf(scope, place.window));
  const words = shownId(budgetWords({ scope, window: windowOf(scope, place.window) }));
  const control = await context.control();
  if (Object.keys(part).length > 0 || targeting !== undefined) {
    const rule = targeting === undefined ? {} : { targeting: isNoRule(targeting) ? null : targeting };
    const answer = await control.setBudget({ ...place, ...part, ...rule, reason, epoch, breakGlass });
    const is = `The budget ${words} is ${answer.already ? 'so already' : 'set'}, at epoch ${answer.epoch}.`;
    const again = (near: string): string | null => (isScope(near) ? `kill-switch budget ${shellWord(near)} …` : null);
    const named = { matched: answer.matched, what: shownId(scope), again, unknown: uncounted(scope) };
    const { before, after } = saidOfNames(context, [named]);
    return {
      value: { budget: name, ...answer },
      text: [...before, is, ...(await what(control, name)), ...after],
    };
  }
  if (reason !== undefined || epoch !== undefined)
    throw invalid('To show a budget, leave out --reason and --epoch. To set it, give what it is to be too.');
  const rows = await rowsOf(control, name);
  const none = `There is no budget ${words}. Set one: kill-switch budget ${scope} --usd 50`;
  return {
    value: { budget: name, data: rows, count: rows.length },
    text: rows.length === 0 ? [none] : tableLines(budgetColumns(), rows, formOf(context, {})),
  };
}
