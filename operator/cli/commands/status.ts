import { shownId } from '../../../flags/index.ts';
import type { Status } from '../../answers.ts';
import { budgetWord, tripwireWord } from '../budgets.ts';
import type { Context, Verb } from '../command.ts';
import { forkLines, SHOWN } from '../forks.ts';
import { idleAlerts } from '../idle-alerts.ts';
import { noteIdleKills } from '../idle-kills.ts';
import { type ListOptions, outputOption } from '../list-options.ts';
import { formOf } from '../listing.ts';
import { count, quoted, shortTime, toJson } from '../output.ts';
import { alarming, modeStyle } from '../standing-out.ts';
import { type Column, type Form, tableLines } from '../table.ts';
import { counted, executorColumns, indistinct, killColumns, problemLines } from '../tables.ts';
import type { Line } from '../text.ts';

export const verb: Verb = (command, perform) => {
  command.addOption(outputOption()).action(
    perform(async (context, options: Pick<ListOptions, 'output'>) => {
      const value = await (await context.control()).status();
      noteIdleKills(context, value.kills);
      return {
        value,
        text: [
          ...forkLines(value, context.advice).map(alarming),
          ...(value.store_problem === null ? [] : [alarming(value.store_problem), '']),
          ...ignored(value),
          ...screen(value, context, formOf(context, options)),
        ],
      };
    }),
  );
};

/** What each rule leaves, and what its window does now. */
const rulesOf = ({ rules }: Status): Readonly<Record<string, string>> =>
  Object.fromEntries(rules.map(({ name, mode, state }) => [name, `${mode} (${state})`]));

function ignored({ ignored_forks, excluded }: Status): string[] {
  const lines = ignored_forks
    .slice(0, SHOWN)
    .map(({ executor, why }) => `A report of a fork by ${shownId(executor)} is ignored: ${why}.`);
  if (excluded.length > 0)
    lines.push(`Excluded, so their reports of forks are ignored: ${excluded.map(shownId).join(', ')}.`);
  return lines.length === 0 ? [] : [...lines, ''];
}

/** That nobody has shown lately that what runs can be stopped. */
function overdueDrill({ drill }: Status, advice: Context['advice']): Line[] {
  if (!drill.overdue) return [];
  const passed = drill.last_at === null ? 'never' : shortTime(drill.last_at);
  return [
    ['Drill     ', { text: `overdue, last passed: ${passed}`, style: 'alarm' }, `: ${advice('kill-switch drill')}`],
  ];
}

/** What executors have stopped and the log does not have yet. */
const stopLines = ({ stops }: Status, shown: number): string[] =>
  stops.length === 0
    ? []
    : [
        '',
        `${count(stops.length, 'stop')} by executors, which an operating process (watch) records:`,
        ...stops
          .slice(0, shown)
          .map(
            ({ target, mode, by, reason, at }) =>
              `  ${shownId(target)} ${mode}${at === null ? '' : ` since ${shortTime(at)}`} by ${shownId(by)}${reason === null ? '' : `: ${quoted(reason)}`}`,
          ),
      ];

/** Whether people are told; nothing where nobody is to be. */
function alertLines({ alerts }: Status, context: Context): Line[] {
  const { targets, waiting, failing } = alerts;
  if (targets === 0) return [];
  const isWell = (waiting ?? 0) === 0 && failing.length === 0;
  const failed = failing.length === 0 ? '' : `, not reached: ${failing.map(shownId).join(', ')}`;
  const text = `${count(targets, 'target')}, ${waiting === null ? 'how many wait is not known' : `${waiting} waiting`}${failed}`;
  return [
    isWell ? `Alerts    ${text}` : ['Alerts    ', { text, style: 'heed' }],
    ...idleAlerts(context, alerts).map((line) => `          ${line}`),
  ];
}
/** What waits for an operating process where none runs. */
const noneOperates = (advice: Context['advice']): string =>
  advice('for an operating process, and none runs: kills with an end stay until one does (kill-switch watch)');

/** One screen on a terminal. Elsewhere it is whole: whoever looks for a line of it must find that. */
function screen(status: Status, context: Context, form: Form): Line[] {
  const { store, advice } = context;
  const shown = form.columns === null ? Number.POSITIVE_INFINITY : SHOWN;
  const more = (verb: string, total: number): string[] =>
    total > shown ? [`… and ${total - shown} more: ${advice(`kill-switch ${verb}`)}`] : [];
  const named = (values: Readonly<Record<string, string | number>>, none: string, verb: string): string => {
    const all = Object.entries(values);
    if (all.length === 0) return none;
    const some = all.slice(0, shown).map(([name, value]) => `${shownId(name)} ${value}`);
    return [...some, ...more(verb, all.length)].join(', ');
  };
  const words = (all: readonly string[], none: string, verb: string): string =>
    all.length === 0 ? none : [...all.slice(0, shown), ...more(verb, all.length)].join(', ');
  const rows = <Row>(all: readonly Row[], columns: (some: readonly Row[]) => readonly Column<Row>[]): Line[] => {
    const some = all.slice(0, shown);
    return tableLines(columns(some), some, form);
  };
  const { organization_id, mode, targeting, epoch, active_kills, kills, executors, held_approvals: held } = status;
  const waiting = (text: string): Line => ['Waiting   ', { text, style: 'heed' }];
  const style = modeStyle(mode);
  const rule = targeting === null ? '' : `, by the rule ${toJson(targeting)}`;
  return [
    `${store.location}, organization ${shownId(organization_id)}, epoch ${epoch}`,
    style === undefined ? `Mode      ${mode}${rule}` : ['Mode      ', { text: mode, style }, rule],
    `Features  ${named(status.features, 'every feature is dark', 'features')}`,
    `Limits    ${named(status.limits, 'none set', 'limits')}`,
    `Autonomy  ${named(status.autonomy, 'none set', 'status --json')}`,
    ...(held === 0 || held === null
      ? []
      : [waiting(`${count(held, 'request')} for a person: ${advice('kill-switch approvals')}`)]),
    ...(status.requests.length === 0
      ? []
      : [waiting(`${count(status.requests.length, 'request')} for another person: ${advice('kill-switch requests')}`)]),
    ...overdueDrill(status, advice),
    ...(status.rules.length === 0 ? [] : [`Rules     ${named(rulesOf(status), '', 'rules')}`]),
    `Budgets   ${words(status.budgets.map(budgetWord), 'none set', 'budgets')}`,
    `Tripwires ${words(status.tripwires.map(tripwireWord), 'none', 'tripwires')}`,
    ...alertLines(status, context),
    ...stopLines(status, shown),
    ...(status.operating.runs ? [] : [waiting(noneOperates(advice))]),
    '',
    ...(active_kills === 0
      ? ['No active kills.']
      : [
          `${count(active_kills, 'active kill')}, newest first:`,
          ...rows(kills, () => killColumns(context)),
          ...more('kills', active_kills),
        ]),
    '',
    ...(executors.length === 0
      ? ['No executor reports here.']
      : [
          `${counted(executors)}:`,
          ...rows(executors, executorColumns),
          ...problemLines(executors.slice(0, shown)),
          ...indistinct(status.shared_writers),
          ...more('executors', executors.length),
        ]),
  ];
}
