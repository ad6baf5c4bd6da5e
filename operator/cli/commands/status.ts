import { shownId } from '../../../flags/index.ts';
import type { Status } from '../../control-plane.ts';
import type { Context, Verb } from '../command.ts';
import { forkLines, SHOWN } from '../forks.ts';
import { count, toJson } from '../output.ts';
import { noteIdleKills } from '../idle-kills.ts';
import { counted, executorTable, indistinct, killTable } from '../tables.ts';

export const verb: Verb = (command, perform) => {
  command.action(
    perform(async (context) => {
      const value = await (await context.control()).status();
      noteIdleKills(context, value.kills);
      return {
        value,
        text: [...forkLines(value, context.advice), ...ignored(value), ...screen(value, context)].join('\n'),
      };
    }),
  );
};

function ignored({ ignored_forks, excluded }: Status): string[] {
  const lines = ignored_forks
    .slice(0, SHOWN)
    .map(({ executor, why }) => `A report of a fork by ${shownId(executor)} is ignored: ${why}.`);
  if (excluded.length > 0)
    lines.push(`Excluded, so their reports of forks are ignored: ${excluded.map(shownId).join(', ')}.`);
  return lines.length === 0 ? [] : [...lines, ''];
}

function screen(status: Status, { store, advice }: Context): string[] {
  const more =
    (verb: string) =>
    (total: number): string[] =>
      total > SHOWN ? [`… and ${total - SHOWN} more: ${advice(`kill-switch ${verb}`)}`] : [];
  const { organization_id, mode, targeting, epoch, active_kills, kills, executors } = status;
  return [
    `${store.location}, organization ${shownId(organization_id)}, epoch ${epoch}`,
    `Mode      ${mode}${targeting === null ? '' : `, by the rule ${toJson(targeting)}`}`,
    `Features  ${named(status.features, 'every feature is dark', more('features'))}`,
    `Limits    ${named(status.limits, 'none set', more('limits'))}`,
    `Autonomy  ${named(status.autonomy, 'none set', more('status --json'))}`,
    '',
    ...(active_kills === 0
      ? ['No active kills.']
      : [
          `${count(active_kills, 'active kill')}, newest first:`,
          killTable(kills.slice(0, SHOWN), advice),
          ...more('kills')(active_kills),
        ]),
    '',
    ...(executors.length === 0
      ? ['No executor has reported here.']
      : [
          `${counted(executors)}:`,
          executorTable(executors.slice(0, SHOWN)) + indistinct(status.shared_writers),
          ...more('executors')(executors.length),
        ]),
  ];
}

function named(
  values: Readonly<Record<string, string | number>>,
  none: string,
  rest: (total: number) => string[],
): string {
  const all = Object.entries(values);
  if (all.length === 0) return none;
  return [...all.slice(0, SHOWN).map(([name, value]) => `${shownId(name)} ${value}`), ...rest(all.length)].join(', ');
}
