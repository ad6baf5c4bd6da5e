import { type Entry, type Mode, readTarget } from '../flags/index.ts';
import { nextChangeOf, phaseAt, timesOf } from '../flags/rule-times.ts';

/** A rule as the state has it. */
export type NamedRule = readonly [name: string, rule: Entry<'rule'>];

/** A standing rule as it is shown and answered. */
export interface RuleRecord {
  readonly name: string;
  readonly organization_id: string;
  readonly target: string;
  readonly target_type: string;
  readonly target_id: string;
  readonly mode: Mode;
  /** The window that comes back every week, in its words; null where there is none. */
  readonly window: string | null;
  /** The window of a rule for one time; null where it has none, or no end. */
  readonly from: string | null;
  readonly until: string | null;
  readonly drain_ms: number;
  readonly when: unknown;
  readonly reason: string | null;
  /** Who added it, or last asked for the same again, and when. */
  readonly added_by: string;
  readonly added_at: string;
  /** What its window does by the store's clock now. `rests`: not yet, or not at this hour; `over`: never again. */
  readonly state: 'applies' | 'drains' | 'rests' | 'over';
  /** When that may change next; null: it does not. */
  readonly next_change: string | null;
  /** Up to when the window is known as instants: from then on the rule applies, unless it is compiled further ahead. */
  readonly compiled_until: string | null;
}

/** The record of a rule. @param now RFC 3339 UTC, the store's time */
export function ruleRecord(organizationId: string, [name, rule]: NamedRule, now: string): RuleRecord {
  const { target, mode, window, when, reason, by, at } = rule;
  const { type, id } = readTarget(target);
  const times = timesOf(window);
  const phase = phaseAt(times, Date.parse(now));
  const next = nextChangeOf(times, Date.parse(now));
  const isWeekly = window?.kind === 'weekly';
  return {
    name,
    organization_id: organizationId,
    target,
    target_type: type,
    target_id: id,
    mode,
    window: isWeekly ? window.words : null,
    from: window && !isWeekly ? window.from : null,
    until: window && !isWeekly ? window.until : null,
    drain_ms: window?.drain_ms ?? 0,
    when: structuredClone(when ?? null), // a copy: the caller may change it
    reason,
    added_by: by,
    added_at: at,
    state: phase === 'rests' && next === null ? 'over' : phase,
    next_change: next === null ? null : new Date(next).toISOString(),
    compiled_until: isWeekly ? window.until : null,
  };
}
