import { shownId } from '../../flags/index.ts';
import { type Matched, MOST_NAMES } from '../matched.ts';
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
  /** True for a change that reaches everybody, whoever they are. */
  readonly isEverything: boolean;
  /** False for a change that only concerns what starts from then on. */
  readonly endsWork: boolean;
  /** True for what is also set before any agent runs, as a rule is; a kill means somebody who does. */
  readonly setsUp?: boolean | undefined;
  /** The command that does the same to another target; null where no other can be meant. */
  readonly again: ((near: string) => string | null) | null;
  /** What is said where nobody knows it, in place of that no executor has reported it. */
  readonly unknown?: string | undefined;
}

const isBeforeAll = ({ executors, exports, last_executor, problem }: Matched, { setsUp }: Pick<Aimed, 'setsUp'>) =>
  setsUp === true && problem === undefined && executors + exports === 0 && last_executor === null;

/** That nobody is here yet, where that is no cause for alarm; else empty. */
export const beforeAll = (matched: Matched, aimed: Pick<Aimed, 'place' | 'setsUp'>): string =>
  isBeforeAll(matched, aimed)
    ? `No executor reports to ${aimed.place} yet: it holds for those that will. If agents run, check --store and --organization.`
    : '';

/** What a stop must say before anything else: that nobody has heard it, or that nobody knows its target. */
export function warnings(
  matched: Matched,
  { place, what, isEverything, again, setsUp, unknown = nobodyKnows(matched, what) }: Aimed,
  advice: Context['advice'],
): string[] {
  const { executors, exports, last_executor: last, problem, seen, suggestions } = matched;
  if (problem !== undefined) return [];
  const lines: string[] = [];
  if (executors + exports === 0 && !isBeforeAll(matched, { setsUp }))
    lines.push(
      `NOBODY HAS HEARD THIS: no executor reports to ${place}. ${
        last === null
          ? 'If agents run, they use another store or organization: check --store and --organization.'
          : `The last report of who did what there was by ${shownId(last.name)}, ${ago(last.at)}.`
      }`,
    );
  if (seen || isEverything || (executors === 0 && last === null)) return lines;
  lines.push(`${unknown} It is recorded all the same.`);
  const meant = suggestions.flatMap((near) => again?.(near) ?? []);
  meant.forEach((command, at) => lines.push(`${at === 0 ? 'Did you mean: ' : '          or: '}${advice(command)}`));
  return lines;
}

/** That no report names what was meant, as far as that can be known. */
function nobodyKnows({ complete, exports }: Matched, what: string): string {
  const none = `${what}: no executor has reported it, now or in the last day`;
  if (exports > 0) return `NO EXECUTOR KNOWS ${none}; but clients of flagd report nothing, and may know it.`;
  return complete
    ? `NOBODY KNOWS ${none}.`
    : `NO REPORT NAMES ${none}; but it may be among what could not be reported.`;
}

/** One line on what a stop has hit. */
export function hits(matched: Matched, { endsWork }: Pick<Aimed, 'endsWork'>): string {
  const { problem, seen, in_flight, executors, complete } = matched;
  if (problem !== undefined) return `What it hits is not known: ${problem}.`;
  if (!seen) return '';
  const kinds = KINDS.flatMap(([list, noun]) => {
    const names = matched[list];
    if (names.length === 0) return [];
    const more =
      names.length > NAMES
        ? ` and ${names.length >= MOST_NAMES || !complete ? 'at least ' : ''}${names.length - NAMES} more`
        : '';
    return [`${names.length === 1 ? noun : `${noun}s`} ${names.slice(0, NAMES).map(shownId).join(', ')}${more}`];
  });
  if (kinds.length === 0) return executors === 0 ? '' : `It hits everything in ${count(executors, 'executor')}.`;
  const flying = `In flight there, when last heard of: ${complete ? '' : 'at least '}${count(in_flight, 'action')}.`;
  return `It hits ${kinds.join('; ')}.${endsWork ? ` ${flying}` : ''}`;
}

const ago = (at: string): string => `${formatDuration(Math.max(0, Date.now() - Date.parse(at)))} ago`;
