import { Option } from 'commander';
import {
  type BudgetWindow,
  budgetWords,
  formatWindow,
  invalid,
  messageOf,
  parseScope,
  parseTripsOn,
  quoteId,
  shareText,
  shownId,
  type TripMode,
  WINDOW_MS,
} from '../../flags/index.ts';
import type { BudgetRow, TripwireRow } from '../budget-rows.ts';
import { IdArgument } from './arguments.ts';
import { parseDuration } from './duration.ts';
import { shortTime } from './output.ts';
import type { Column } from './table.ts';

const SCOPES =
  'day, all, agent:ID, mission:ID, run:ID, action:PATTERN, user:ID or account:ID; run, agent, mission, user, account: each one';

/** The scope of a budget, as it is typed. */
export const scopeArgument = (): IdArgument => {
  const argument = new IdArgument('<scope>', SCOPES);
  argument.argParser((text: string) => {
    parseScope(text);
    return text;
  });
  return argument;
};

/** A window as people write it: `day`, `total`, `10m`. @throws KillSwitchError INVALID_ARGUMENT */
export function parseWindow(text: string): BudgetWindow {
  if (text === 'day' || text === 'total') return text;
  try {
    const ms = parseDuration(text);
    if (ms >= WINDOW_MS.least && ms <= WINDOW_MS.most) return ms;
  } catch (error) {
    throw invalid(`--window takes day, total, or a duration such as 10m: ${messageOf(error)}`);
  }
  throw invalid(`--window takes day, total, or a duration from 1s to 366d, not ${quoteId(text)}.`);
}

/** For how long amounts count together. */
export const windowOption = (): Option =>
  new Option('--window <window>', 'day, total, or a duration that slides along: 10m (default: total; of day: day)');

const amount = (value: number | null): string => (value === null ? '?' : String(Math.round(value * 1e6) / 1e6));

/** The columns of budgets. */
export const budgetColumns = (): readonly Column<BudgetRow>[] => [
  { heading: 'BUDGET', cell: ({ scope }) => scope },
  { heading: 'WINDOW', cell: ({ window }) => ({ ready: formatWindow(window) }), fixed: true },
  { heading: 'OF', cell: ({ counted, scope }) => (counted === scope ? null : counted) },
  {
    heading: 'LIMIT',
    cell: ({ limit, type, has_tiers: hasTiers }) => ({ ready: `${amount(limit)} ${type}${hasTiers ? ' …' : ''}` }),
  },
  { heading: 'SPENT', cell: ({ spent }) => ({ ready: amount(spent) }), fixed: true },
  { heading: 'RESERVED', cell: ({ reserved }) => ({ ready: amount(reserved) }), fixed: true },
  {
    heading: 'LEFT',
    cell: ({ left, tripped }) =>
      tripped ? { ready: `${amount(left)} (tripped)`, style: 'alarm' } : { ready: amount(left) },
    fixed: true,
  },
  {
    heading: 'PER HOUR',
    cell: ({ per_hour: rate }) => (rate === null ? null : { ready: amount(Math.round(rate * 100) / 100) }),
    fixed: true,
  },
  { heading: 'EMPTY AT', cell: ({ empty_at: at }) => (at === null ? null : { ready: shortTime(at) }), fixed: true },
  { heading: 'DOES', cell: (row) => row.do, fixed: true },
  { heading: 'ZONE', cell: ({ window, time_zone: zone }) => (window === 'day' ? zone : null), wide: true },
];

/** The columns of tripwires. */
export const tripwireColumns = (): readonly Column<TripwireRow>[] => [
  { heading: 'TRIPWIRE', cell: ({ name }) => name },
  { heading: 'ON', cell: ({ on }) => on },
  { heading: 'LIMIT', cell: ({ limit }) => limit, fixed: true },
  {
    heading: 'WINDOW',
    cell: ({ on, window_ms: window }) => (on.startsWith('report:') ? null : { ready: formatWindow(window) }),
    fixed: true,
  },
  { heading: 'STOPS', cell: ({ scope }) => ({ ready: `the ${scope}` }), fixed: true },
  { heading: 'DOES', cell: (row) => row.do, fixed: true },
  { heading: 'SET', cell: ({ is_default: isDefault }) => ({ ready: isDefault ? 'by default' : 'here' }), fixed: true },
];

/** A budget in a few words, for the status. */
export const budgetWord = (row: BudgetRow): string => {
  const { scope, counted, type, limit, left, tripped } = row;
  const words = shownId(budgetWords(row));
  const of = counted === null || counted === scope ? words : `${words} (${shownId(counted)})`;
  return `${of} ${amount(left)} of ${amount(limit)} ${type} left${tripped ? ', tripped' : ''}`;
};

/** A tripwire in a few words. */
export const tripwireWord = ({ name, on, limit }: TripwireRow): string =>
  `${shownId(name)} ${limit}${on === name ? '' : ` ${shownId(on)}`}`;

/** What a stop of each mode does, as the end of a sentence. */
const DOES: Readonly<Record<TripMode, string>> = {
  draft_only: 'may only draft',
  paused: 'is paused',
  full_stop: 'is stopped',
};

const budgetOf = ({ scope, window, time_zone: zone }: BudgetRow): { who: string; whom: string; when: string } => {
  const { type, id } = parseScope(scope);
  // A run and a mission come to an end by themselves; of anything else a total is one for good.
  const total =
    type === 'run' || type === 'mission' ? '' : ' in all, for good (without --window day it never begins anew)';
  const when = window === 'day' ? ` a day (${zone})` : window === 'total' ? total : ` in ${formatWindow(window)}`;
  const isEverything = type === 'day' || type === 'all';
  const who = isEverything ? 'Everything together' : id === null ? `Each ${type}` : shownId(scope);
  const whom = isEverything
    ? 'everything'
    : type === 'user' || type === 'account'
      ? 'the run or agent that acts for it'
      : 'it';
  return { who, whom, when };
};

/** What a budget does, in sentences; `rows`: one for each amount or more. Empty where it has none of its own. */
export function budgetText(rows: readonly BudgetRow[]): string {
  const [first] = rows;
  if (!first) return '';
  const { who, whom, when } = budgetOf(first);
  const limits = new Map(rows.map(({ type, limit }) => [type, `${amount(limit)} ${type}`]));
  const several = limits.size > 1 ? 'when one of them is spent, ' : 'then ';
  const warns = first.warn === null ? 'It does not warn before.' : `It warns at ${shareText(first.warn)}.`;
  const tiers = first.has_tiers ? ' Its rule gives some calls other amounts.' : '';
  return `${who} may spend ${[...limits.values()].join(' and ')}${when}; ${several}${whom} ${DOES[first.do]}. ${warns}${tiers}`;
}

/** What tripwires count, in words. */
const COUNTED = {
  repeats: 'identical calls',
  failures: 'failures',
  refusals: 'refused calls',
  interventions: 'interventions',
} as const;

/** What a tripwire does, in a sentence. */
export function tripwireText({ on, limit, window_ms: window, scope, do: mode }: TripwireRow): string {
  const { what, name } = parseTripsOn(on);
  const does = `the ${scope} ${DOES[mode]}`;
  if (what === 'report') return `Where ${shownId(name ?? '')} is reported above ${limit}, ${does}.`;
  const kind = name === null ? '' : ` of the kind ${shownId(name)}`;
  return `In each ${scope}, ${limit} ${COUNTED[what]}${kind} in ${formatWindow(window)} pass; with the next, ${does}.`;
}
