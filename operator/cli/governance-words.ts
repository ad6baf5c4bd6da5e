import { type Governance, MODES } from '../../flags/index.ts';
import { formatDuration } from './duration.ts';
import { toJson } from './output.ts';

/** What governance asks for, a line each, the first of them to go on a sentence. */
export function governanceLines(governance: Governance): string[] {
  const { second_person, ladder, dwell_ms, drill_ms, break_glass, pending_expires_ms, restore_roles } = governance;
  const roles = MODES.flatMap((mode) => {
    const named = restore_roles[mode];
    return named ? [`${mode} by ${[...new Set([...named, 'admin'])].join(', ')}`] : [];
  });
  return [
    `Second person  ${SECOND_PERSON[second_person]}${second_person === 'off' ? '' : `; a request waits for ${formatDuration(pending_expires_ms)}`}`,
    `Ladder         ${ladder ? `one step at a time${dwell_ms > 0 ? `, each for at least ${formatDuration(dwell_ms)}` : ''}` : 'off: any number of steps at once'}`,
    `Drill          ${drill_ms === null ? 'off: none is asked for' : `one was passed within the last ${formatDuration(drill_ms)}`}`,
    `Break glass    ${break_glass ? 'on: one person may do without these, loudly logged (--break-glass)' : 'off: nobody may do without these'}`,
    `Restore roles  ${roles.length === 0 ? 'whoever may give authority back' : roles.join('; ')}`,
  ];
}

const SECOND_PERSON = {
  off: 'off: one person is enough',
  asker: 'another than who asks',
  killer: 'another than who asks, and than who has restricted it',
} as const;

/** What an event says of governance, in the words of the command. */
export const governanceWords = (rules: Readonly<Record<string, unknown>>): readonly string[] =>
  Object.entries(rules)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : toJson(value)}`);

/** A change that somebody asks for: its type, and what it would change. */
export const changeWords = ({ type, ...members }: Readonly<Record<string, unknown>>): string =>
  [type, ...Object.values(members)]
    .filter((value) => value !== null && value !== undefined)
    .map((value) => (typeof value === 'string' ? value : toJson(value)))
    .join(' ');
