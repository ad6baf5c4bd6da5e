import { shownId } from '../../../flags/index.ts';
import type { Status } from '../../control-plane.ts';
import type { Verb } from '../command.ts';
import { count, toJson } from '../output.ts';
import { noteIdleKills } from '../idle-kills.ts';
import { counted, executorTable, indistinct, killTable } from '../tables.ts';

/** One screen: of each list so many are shown. */
const SHOWN = 20;

export const verb: Verb = (command, perform) => {
  command.action(
    perform(async (context) => {
      const value = await (await context.control()).status();
      noteIdleKills(context, value.kills);
      return { value, text: [...forks(value), ...ignored(value), ...screen(value, context.store.location)].join('\n') };
    }),
  );
};

function forks({ forks: reported }: Status): string[] {
  if (reported.length === 0) return [];
  return [
    '!!! FORK: this store has lost changes that executors had seen. EVERYTHING IS STOPPED (full_stop) until an operator decides.',
    ...reported
      .slice(0, SHOWN)
      .map(({ executor, known_as, held }) =>
        held
          ? `!!!   ${shownId(executor)}${known(executor, known_as)} has seen epoch ${held.epoch}, hash ${held.hash}`
          : `!!!   ${shownId(executor)}`,
      ),
    '!!! Find out what was lost (kill-switch log verify, your backups), kill again what must not run, then: kill-switch recover --reason "…"',
    '!!! If one of these executors is not to be believed: kill-switch recover --exclude NAME --reason "…"',
    '',
  ];
}

/** Whoever is to be excluded is named as the store knows it. */
const known = (executor: string, names: readonly string[]): string =>
  names.every((name) => name === executor) ? '' : ` (known as ${names.map(shownId).join(', ')})`;

function ignored({ ignored_forks, excluded }: Status): string[] {
  const lines = ignored_forks
    .slice(0, SHOWN)
    .map(({ executor, why }) => `A fork that ${shownId(executor)} reports is not believed: ${why}.`);
  if (excluded.length > 0)
    lines.push(`Not believed, whatever they report of forks: ${excluded.map(shownId).join(', ')}.`);
  return lines.length === 0 ? [] : [...lines, ''];
}

function screen(status: Status, location: string): string[] {
  const { organization_id, mode, targeting, epoch, active_kills, kills, executors } = status;
  return [
    `${location}, organization ${shownId(organization_id)}, epoch ${epoch}`,
    `Mode      ${mode}${targeting === null ? '' : `, by the rule ${toJson(targeting)}`}`,
    `Features  ${named(status.features, 'every feature is dark', 'features')}`,
    `Limits    ${named(status.limits, 'none set', 'limits')}`,
    `Autonomy  ${named(status.autonomy, 'none set', 'status --json')}`,
    '',
    ...(active_kills === 0
      ? ['No active kills.']
      : [
          `${count(active_kills, 'active kill')}, newest first:`,
          killTable(kills.slice(0, SHOWN)),
          ...more(active_kills, 'kills'),
        ]),
    '',
    ...(executors.length === 0
      ? ['No executor has reported here.']
      : [
          `${counted(executors)}:`,
          executorTable(executors.slice(0, SHOWN)) + indistinct(status.shared_writers),
          ...more(executors.length, 'executors'),
        ]),
  ];
}

function named(values: Readonly<Record<string, string | number>>, none: string, verb: string): string {
  const all = Object.entries(values);
  if (all.length === 0) return none;
  return [...all.slice(0, SHOWN).map(([name, value]) => `${shownId(name)} ${value}`), ...more(all.length, verb)].join(
    ', ',
  );
}

const more = (total: number, verb: string): string[] =>
  total > SHOWN ? [`… and ${total - SHOWN} more: kill-switch ${verb}`] : [];
