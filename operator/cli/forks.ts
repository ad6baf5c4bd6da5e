import { shownId } from '../../flags/index.ts';
import type { Status } from '../answers.ts';
import type { Context } from './command.ts';

/** How many items of each list are shown on one screen. */
export const SHOWN = 20;

/** The changes that executors report as lost, to be shown before everything else; empty where none are. */
export function forkLines({ forks }: Pick<Status, 'forks'>, advice: Context['advice']): string[] {
  if (forks.length === 0) return [];
  return [
    '!!! FORK: this store has lost changes that executors had seen. EVERYTHING IS STOPPED (full_stop) until an operator decides.',
    ...forks
      .slice(0, SHOWN)
      .map(({ executor, known_as, held }) =>
        held
          ? `!!!   ${shownId(executor)}${known(executor, known_as)} has seen epoch ${held.epoch}, hash ${held.hash}`
          : `!!!   ${shownId(executor)}`,
      ),
    advice(
      '!!! Find out what was lost (kill-switch log verify, your backups), kill again what must not run, then: kill-switch recover --reason "…"',
    ),
    advice('!!! To ignore the reports of one of these executors: kill-switch recover --exclude NAME --reason "…"'),
    '',
  ];
}

/** The names under which the store knows the executor: `--exclude` takes these. */
const known = (executor: string, names: readonly string[]): string =>
  names.every((name) => name === executor) ? '' : ` (known as ${names.map(shownId).join(', ')})`;
