import { canonicalize } from 'json-canonicalize';
import { z } from 'zod';
import { isStricter, type Mode } from './modes.ts';
import { modeSchema, targetSchema, timeSchema } from './records.ts';

/** For how long before a window opens its rule pauses what it reaches, in milliseconds; 0: not at all. */
const drainSchema = z.int().min(0);

/**
 * A window that comes back every week: its words, and the instants at which it opens and closes between `since` and
 * `until`. Outside of these the rule applies.
 */
export const weeklyWindowSchema = z.strictObject({
  kind: z.literal('weekly'),
  words: z.string().min(1).max(500),
  since: timeSchema,
  until: timeSchema,
  opens: z.array(z.tuple([timeSchema, timeSchema])).max(1000),
  drain_ms: drainSchema,
});

/** When a rule applies. `once` without an end has no `until`. */
const ruleWindowSchema = z.discriminatedUnion('kind', [
  weeklyWindowSchema,
  z.strictObject({
    kind: z.literal('once'),
    from: timeSchema,
    until: timeSchema.nullable(),
    drain_ms: drainSchema,
  }),
]);
/** What stands in a rule for its window. */
export type RuleWindow = z.infer<typeof ruleWindowSchema>;

/** The members of a rule. `window`: null for at all times. `when`: a condition of flagd's; null for whoever asks. */
export const RULE_MEMBERS = {
  target: targetSchema,
  mode: modeSchema,
  window: ruleWindowSchema.nullable(),
  when: z.unknown().nullable(),
} as const;

/** What a rule says. */
export interface RuleTerms {
  readonly target: string;
  readonly mode: Mode;
  readonly window: RuleWindow | null;
  readonly when?: unknown;
}

/** A window without the instants that its words come to. */
const saidOf = (window: RuleWindow | null): unknown =>
  window?.kind === 'weekly' ? { words: window.words, drain_ms: window.drain_ms } : window;

/** True for rules that say the same, whenever each was compiled. */
export const sameRule = (a: RuleTerms, b: RuleTerms): boolean =>
  a.mode === b.mode &&
  a.target === b.target &&
  canonicalize(saidOf(a.window)) === canonicalize(saidOf(b.window)) &&
  sameCondition(a.when, b.when);

const sameCondition = (a: unknown, b: unknown): boolean => canonicalize(a ?? null) === canonicalize(b ?? null);

/**
 * True where a rule restricts whatever another one does, as much or more, from this moment on. Two that cannot be
 * compared do not cover each other.
 * @param now RFC 3339, UTC
 */
export const coversRule = (rule: RuleTerms, other: RuleTerms, now: string): boolean =>
  !isStricter(other.mode, rule.mode) &&
  (rule.target === 'all' || rule.target === other.target) &&
  ((rule.when ?? null) === null || sameCondition(rule.when, other.when)) &&
  coversWindow(rule.window, other.window, now);

function coversWindow(window: RuleWindow | null, other: RuleWindow | null, now: string): boolean {
  if (window === null) return true;
  if (other === null || window.drain_ms < other.drain_ms) return false;
  // Beyond what was known of the other one it applied at all times.
  if (window.kind === 'weekly')
    return other.kind === 'weekly' && window.words === other.words && Date.parse(now) < Date.parse(other.until);
  if (other.kind !== 'once') return false;
  const begins = Date.parse(window.from) <= Math.max(Date.parse(other.from), Date.parse(now));
  return begins && endOf(window.until) >= endOf(other.until);
}

const endOf = (until: string | null): number => (until === null ? Number.POSITIVE_INFINITY : Date.parse(until));

/** How much a rule restricts while its window is about to open: new work waits, and what runs goes on. */
export const DRAINING = 'paused' satisfies Mode;
