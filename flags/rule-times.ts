import { type Condition, type JsonLogic, not, or, variable } from './json-logic.ts';
import { FLAGD_TIME } from './rule-attributes.ts';
import type { RuleWindow } from './rule-entry.ts';

/** A stretch of time, from a moment on until before another, in milliseconds since 1970. */
export type Span = readonly [from: number, until: number];

/** What a rule does at a moment: it applies, or pauses because it soon will, or does nothing. */
export type Phase = 'applies' | 'drains' | 'rests';

/** When a rule applies, as instants in whole seconds, which is how flagd knows the time. */
export interface RuleTimes {
  /** Before `since`, and from `until` on, nothing is known of the window: the rule applies. */
  readonly since: number;
  readonly until: number;
  /** In order; none overlap. */
  readonly opens: readonly Span[];
  /** When it pauses because it is about to open. In order, none within an opening. */
  readonly drains: readonly Span[];
  /** All moments at which the rule may begin to do something else, in order. */
  readonly changes: readonly number[];
}

const EVER = Number.POSITIVE_INFINITY;

/** A clock that shows an earlier time shows zero seconds since 1970: for a definition that is no clock. */
const NO_CLOCK = 1000;

/** The second in which a moment lies, and the first one that is not before it: a window is never narrowed. */
const downTo = (time: string): number => Math.floor(Date.parse(time) / 1000) * 1000;
const upTo = (time: string | null): number => (time === null ? EVER : Math.ceil(Date.parse(time) / 1000) * 1000);

/** The times of a window; null for a rule that has none, and applies always. */
export function timesOf(window: RuleWindow | null): RuleTimes | null {
  if (window === null) return null;
  const isWeekly = window.kind === 'weekly';
  const since = isWeekly ? upTo(window.since) : -EVER;
  const until = isWeekly ? downTo(window.until) : EVER;
  const opens = (isWeekly ? window.opens : [[window.from, window.until] as const]).map(
    ([from, end]): Span => [downTo(from), upTo(end)],
  );
  const drains = drainsOf(opens, window.drain_ms, [Math.max(since, NO_CLOCK), until]);
  const all = [since, until, ...opens.flat(), ...drains.flat()].filter((at) => Math.abs(at) !== EVER);
  return { since, until, opens, drains, changes: [...new Set(all)].sort((a, b) => a - b) };
}

/** None within an opening, nor where the rule applies because its window is not known. */
function drainsOf(opens: readonly Span[], drainMs: number, [known, end]: Span): Span[] {
  const drains: Span[] = [];
  let before = known;
  for (const [from, until] of opens) {
    const drain: Span = [Math.max(before, Math.floor((from - drainMs) / 1000) * 1000), Math.min(from, end)];
    if (drain[0] < drain[1]) drains.push(drain);
    before = Math.max(before, until);
  }
  return drains;
}

const isWithin = (now: number, spans: readonly Span[]): boolean =>
  spans.some(([from, until]) => now >= from && now < until);

/** What a rule of these times does now. At a time that is not known (null) it applies. */
export function phaseAt(times: RuleTimes | null, now: number | null): Phase {
  if (times === null || now === null || now < NO_CLOCK || now < times.since || now >= times.until) return 'applies';
  if (isWithin(now, times.opens)) return 'applies';
  return isWithin(now, times.drains) ? 'drains' : 'rests';
}

/** The first moment after `now` at which a rule of these times may do something else; null: none. */
export const nextChangeOf = (times: RuleTimes | null, now: number): number | null =>
  times?.changes.find((at) => at > now) ?? null;

/**
 * When the opening ends that a moment lies in or is drained for; null where none is known: there is no window, or it
 * has no end, or what comes after it is not known.
 */
export function openUntil(times: RuleTimes | null, now: number | null): number | null {
  if (times === null || now === null || now < Math.max(times.since, NO_CLOCK)) return null;
  let end = times.drains.find((drain) => isWithin(now, [drain]))?.[1] ?? now;
  for (const [from, until] of times.opens) if (from <= end && end < until) end = until;
  return end > now && end < times.until ? end : null;
}

const TIME = variable(FLAGD_TIME);

const isIn = ([from, until]: Span): Condition =>
  until === EVER ? { '>=': [TIME, from / 1000] } : { '<=': [from / 1000, TIME, until / 1000 - 1] };

/** When the rule applies, for a compiled definition: also where the evaluator does not know the time. */
export function compiledOpening(times: RuleTimes | null): Condition {
  if (times === null) return true;
  const beyond: JsonLogic[] = [];
  if (times.since !== -EVER) beyond.push({ '<': [TIME, times.since / 1000] });
  if (times.until !== EVER) beyond.push({ '>=': [TIME, times.until / 1000] });
  return or([not(TIME), ...beyond, ...times.opens.map(isIn)]);
}

/** When the rule pauses, for a compiled definition. */
export const compiledDraining = (times: RuleTimes | null): Condition => or((times?.drains ?? []).map(isIn));
