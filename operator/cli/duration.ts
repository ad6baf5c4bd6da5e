import { invalid, quoteId } from '../../flags/index.ts';
import { isTimeText } from '../given/checks.ts';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const LONGEST_DAYS = 1000;

/**
 * Parses `250ms`, `5s`, `2m`, `1.5h`, `7d` or `0` to milliseconds; only 0 needs no unit.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  const [, amount, unit = ''] = /^(\d{1,15}(?:\.\d{1,9})?)([a-z]*)$/.exec(text) ?? [];
  const unitMs = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
  if (amount === undefined || unitMs === undefined) {
    const hint =
      amount !== undefined && unit === '' ? `For seconds: ${amount}s.` : `For instance 250ms, 5s, 2m, 1h, 7d.`;
    throw invalid(`${quoteId(text)} is not a duration: write a number with its unit. ${hint}`);
  }
  const ms = Math.round(Number(amount) * unitMs);
  if (ms > LONGEST_DAYS * 86_400_000) throw invalid(`${quoteId(text)} is too long: at most ${LONGEST_DAYS}d.`);
  return ms;
}

/** When a kill ends: at a time, or a duration after it was recorded. */
export type End = { readonly expiresAt: string } | { readonly lastsMs: number };

/**
 * An end as people write it: `2026-12-24T18:00:00Z`, or `30m` from when the store records it.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function parseEnd(text: string): End {
  if (/^\d+(\.\d+)?[a-z]+$/.test(text)) {
    const lastsMs = parseDuration(text);
    if (lastsMs > 0) return { lastsMs };
    throw invalid(`${quoteId(text)} would be over at once: write a duration of more than 0, such as 30m.`);
  }
  if (!isTimeText(text)) {
    throw invalid(
      `${quoteId(text)} is not a time: write a duration from now (30m), or RFC 3339 with its zone (2026-12-24T18:00:00Z).`,
    );
  }
  return { expiresAt: new Date(text).toISOString() };
}

/** A time as people write it: `2026-12-24T18:00:00Z`. @throws KillSwitchError INVALID_ARGUMENT */
export function parseTime(text: string): string {
  if (isTimeText(text)) return new Date(text).toISOString();
  throw invalid(`${quoteId(text)} is not a time: write RFC 3339 with its zone (2026-12-24T18:00:00Z).`);
}

/**
 * A time from which on something is listed: RFC 3339, or a duration before now (`2h`).
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function parseSince(text: string, now: number): Date {
  if (/^\d+(\.\d+)?[a-z]*$/.test(text)) return new Date(now - parseDuration(text));
  if (isTimeText(text)) return new Date(text);
  throw invalid(
    `${quoteId(text)} is not a time: write how long ago it was (2h), or RFC 3339 with its zone (2026-12-24T18:00:00Z).`,
  );
}

/** An age in a table, rounded down: `12s`, `3m`, `5h`, `9d`. */
export function formatAge(ms: number): string {
  const age = Math.max(0, ms);
  const [unit, unitMs] = unitOf(age);
  return `${Math.floor(age / unitMs)}${unit.charAt(0)}`;
}

/** A duration for people: `250 ms`, `12 s`, `3 min`, `5 h`, `2 d`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const [unit, unitMs] = unitOf(ms);
  return `${Math.round(ms / unitMs)} ${unit}`;
}

/** The unit that people read a duration in, and its length: minutes up to two hours, as nobody says "1 h" for 119. */
function unitOf(ms: number): readonly [unit: string, unitMs: number] {
  for (const [unit, unitMs, next] of SMALLER) if (ms < unitMs * next) return [unit, unitMs];
  return ['d', 86_400_000];
}

const SMALLER = [
  ['s', 1000, 120],
  ['min', 60_000, 120],
  ['h', 3_600_000, 48],
] as const;
