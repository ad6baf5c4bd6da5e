import { invalid, type RuleWindow } from '../flags/index.ts';
import { compileWindow, parseWindow, type Span, type WeeklyWindow } from '../flags/window.ts';
import type { Refusal } from './refusals.ts';

const DAY_MS = 86_400_000;

/** How far ahead a weekly window is compiled. */
const AHEAD_MS = 63 * DAY_MS;

/** It is compiled again once it reaches no further than this: so it never reaches less while that is done in time. */
const RENEW_MS = 49 * DAY_MS;

/** How far back it is compiled, for a store whose clock is set back. */
const BACK_MS = DAY_MS;

/** A window as an operator asks for it. `from`: null for at once; `until`: null for without an end. */
export type AskedWindow =
  | { readonly kind: 'weekly'; readonly words: string; readonly drainMs: number }
  | {
      readonly kind: 'once';
      readonly from: string | null;
      readonly until: string | null;
      /** In place of `until`, in milliseconds after the rule is recorded. */
      readonly lastsMs?: number | undefined;
      readonly drainMs: number;
    };

type Never = { readonly refusal: Extract<Refusal, { readonly kind: 'never_opens' }> };

const isoOf = (ms: number): string => new Date(ms).toISOString();

/**
 * A window as the log has it, by the store's time.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function windowFor(asked: AskedWindow, now: string): RuleWindow | Never {
  const { kind, drainMs: drain_ms } = asked;
  if (kind === 'weekly') {
    const window = parseWindow(asked.words);
    return { kind, words: window.words, ...compiled(window, now), drain_ms };
  }
  const from = asked.from ?? now;
  const until = asked.lastsMs === undefined ? asked.until : isoOf(Date.parse(now) + asked.lastsMs);
  if (until !== null && (until <= from || until <= now)) return { refusal: { kind: 'never_opens', from, until, now } };
  return { kind, from, until, drain_ms };
}

function compiled(window: WeeklyWindow, now: string) {
  const at = Date.parse(now);
  const [since, until]: Span = [at - BACK_MS, at + AHEAD_MS];
  const opens = compileWindow(window, [since, until]);
  if (opens.length === 0) throw invalid(`The window "${window.words}" would never be open in the next 9 weeks.`);
  return {
    since: isoOf(since),
    until: isoOf(until),
    opens: opens.map(([from, end]): [string, string] => [isoOf(from), isoOf(end)]),
  };
}

/** True where a rule's window has to be compiled further ahead, or was compiled by a clock that was wrong. */
export const isDue = (window: RuleWindow | null, nowMs: number): boolean =>
  window?.kind === 'weekly' && (Date.parse(window.until) - nowMs < RENEW_MS || nowMs < Date.parse(window.since));

/** The instants of a window for further weeks; null where that is not due. */
export function renewed(window: RuleWindow | null, now: string) {
  if (window?.kind !== 'weekly' || !isDue(window, Date.parse(now))) return null;
  return { words: window.words, ...compiled(parseWindow(window.words), now) };
}
