import type { RuleRecord } from '../rule-record.ts';
import { formatAge, formatDuration } from './duration.ts';
import { quoted, shortTime, toJson } from './output.ts';
import { modeCell } from './standing-out.ts';
import type { Cell, Column } from './table.ts';

/** When and for whom a rule applies, as the rest of a sentence. */
export function windowText(rule: Pick<RuleRecord, 'window' | 'from' | 'until' | 'when' | 'drain_ms'>): string {
  const { when, drain_ms } = rule;
  const drains = drain_ms === 0 ? '' : `, drained for ${formatDuration(drain_ms)} before`;
  return `${timesText(rule)}${drains}${when === null ? '' : `, where ${toJson(when)}`}`;
}

function timesText({ window, from, until }: Pick<RuleRecord, 'window' | 'from' | 'until'>): string {
  if (window !== null) return `, ${window}`;
  return `${from === null ? '' : `, from ${shortTime(from)}`}${until === null ? '' : `, until ${shortTime(until)}`}`;
}

/** What its window does now, and until when. */
const stateCell = ({ state, next_change }: RuleRecord, now: number): Cell => {
  const until = next_change === null ? '' : ` until ${shortTime(next_change)}`;
  const left = next_change === null ? '' : ` for ${formatAge(Date.parse(next_change) - now)}`;
  return { ready: `${state}${until}`, brief: `${state}${left}`, style: state === 'drains' ? 'heed' : undefined };
};

/** Standing rules. */
export const ruleColumns = (now = Date.now()): readonly Column<RuleRecord>[] => [
  { heading: 'RULE', cell: ({ name }) => name },
  { heading: 'MODE', cell: ({ mode }) => modeCell(mode), fixed: true },
  { heading: 'TARGET', cell: ({ target }) => target },
  { heading: 'WINDOW', cell: (rule) => timesText(rule).slice(2) || 'always' },
  { heading: 'STATE', cell: (rule) => stateCell(rule, now), fixed: true },
  { heading: 'WHEN', cell: ({ when }) => (when === null ? null : { ready: toJson(when) }), gives: true },
  { heading: 'BY', cell: ({ added_by }) => added_by },
  { heading: 'REASON', cell: ({ reason }) => (reason === null ? null : { ready: quoted(reason) }), gives: true },
  {
    heading: 'DRAIN',
    cell: ({ drain_ms }) => (drain_ms === 0 ? null : { ready: formatDuration(drain_ms) }),
    wide: true,
  },
  {
    heading: 'KNOWN UNTIL',
    cell: ({ compiled_until }) => (compiled_until === null ? null : { ready: shortTime(compiled_until) }),
    wide: true,
  },
];
