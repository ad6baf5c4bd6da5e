import { shownId } from '../../flags/index.ts';
import type { Matched } from '../matched.ts';
import type { Context } from './command.ts';
import { formatDuration } from './duration.ts';
import { count } from './output.ts';

/** How many names of a kind are shown. */
const NAMES = 5;

const KINDS = [
  ['agents', 'agent'],
  ['missions', 'mission'],
  ['runs', 'run'],
  ['actions', 'action'],
  ['features', 'feature'],
  ['surfaces', 'surface'],
] as const satisfies readonly (readonly [keyof Matched, string])[];

/** Where a stop was recorded, what it names, and the verb that would stop another target alike. */
export interface Aimed {
  readonly place: string;
  /** For a sentence: `agent:slowbot`, `the limit refund.max`. */
  readonly what: string;
  /** The command that does the same to another target; null where no other can be meant. */
  readonly again: ((near: string) => string | null) | null;
}

/** What a stop must say before anything else: that nobody has heard it, or that nobody knows its target. */
export function warnings(matched: Matched, { place, what, again }: Aimed, advice: Context['advice']): string[] {
  const { executors, exports, last_executor: last, problem, seen, suggestions } = matched;
  if (problem !== undefined) return [];
  const lines: string[] = [];
  if (executors + exports === 0)
    lines.push(
      `NOBODY HAS HEARD THIS: no executor reports to ${place}. ${
        last === null
          ? 'If agents run, they use another store or organization: check --store and --organization.'
          : `The last one was ${shownId(last.name)}, heard of ${ago(last.at)}.`
      }`,
    );
  if (seen || what === 'all' || (executors === 0 && last === null)) return lines;
  const nobody = exports > 0 ? 'No executor knows' : 'NOBODY KNOWS';
  const unless = exports > 0 ? ' Clients of flagd report nothing: it may be known to them.' : '';
  lines.push(`${nobody} ${what}: none has reported it, now or in the last day.${unless} It is recorded all the same.`);
  const meant = suggestions.flatMap((near) => again?.(near) ?? []);
  meant.forEach((command, at) => lines.push(`${at === 0 ? 'Did you mean: ' : '          or: '}${advice(command)}`));
  return lines;
}

/** One line on what a stop has hit. */
export function hits(matched: Matched): string {
  const { problem, seen, in_flight, executors } = matched;
  if (problem !== undefined) return `What it hits is not known: ${problem}.`;
  if (!seen) return '';
  const kinds = KINDS.flatMap(([list, noun]) => {
    const names = matched[list];
    if (names.length === 0) return [];
    const more =
      names.length > NAMES ? ` and ${names.length >= 100 ? 'at least ' : ''}${names.length - NAMES} more` : '';
    return [`${names.length === 1 ? noun : `${noun}s`} ${names.slice(0, NAMES).map(shownId).join(', ')}${more}`];
  });
  if (kinds.length === 0) return executors === 0 ? '' : `It hits everything in ${count(executors, 'executor')}.`;
  return `It hits ${kinds.join('; ')}. In flight there, when last heard of: ${count(in_flight, 'action')}.`;
}

const ago = (at: string): string => `${formatDuration(Math.max(0, Date.now() - Date.parse(at)))} ago`;
