import { z } from 'zod';
import type { JournalEnd, JournalEntry, JournalIntent, JournalState, Reversal } from './capabilities/journal.ts';

/** Which ends an entry in this state still takes: what has landed is always recorded, anything else only once. */
const TAKES: Readonly<Record<JournalState['state'], ReadonlyArray<JournalEnd['state']>>> = {
  intended: ['landed', 'failed', 'not_started', 'unknown'],
  unknown: ['landed'],
  landed: [],
  failed: [],
  not_started: [],
};

/** Whether an entry in this state still takes this end. */
export const takesEnd = (state: JournalState['state'], end: JournalEnd): boolean => TAKES[state].includes(end.state);

/** The entry after this end of it; the same entry where that changes nothing. */
export function endedEntry(entry: JournalEntry, end: JournalEnd, at: string): JournalEntry {
  if (!takesEnd(entry.state, end)) return entry;
  const { state: before, ...intent } = entry;
  return before === end.state ? entry : { ...intent, ...end, at };
}

/** The order in which what a store has was intended, for a sort. */
export const byOrder = (a: { readonly order: string }, b: { readonly order: string }): number =>
  a.order < b.order ? -1 : a.order > b.order ? 1 : 0;

/** Until when entries are no longer needed, RFC 3339 UTC. */
export interface ForgottenBefore {
  readonly ended: string;
  readonly intended: string;
}

/**
 * True for an entry that nobody needs any more. What has ended is kept from its end on, the rest from its intent on.
 * All attempts of a key go together, by the last of them: without that, an earlier one would be free to be intended
 * again.
 */
export const isOver = (
  { state, at, intended_at }: Pick<JournalEntry, 'state' | 'at' | 'intended_at'>,
  before: ForgottenBefore,
): boolean => (state === 'intended' || state === 'unknown' ? intended_at < before.intended : at < before.ended);

/**
 * Which of a key's attempts answers whoever intends that one: the first that has landed; or the first from that one on
 * that may have started; else the last. So attempts that somebody adds behind one that may have landed hide nothing:
 * whoever asks goes on behind it only for a reason of their own.
 */
export const answering = (attempts: readonly JournalEntry[], from = 1): JournalEntry | undefined =>
  attempts.find(({ state, attempt }) => state === 'landed' || (attempt >= from && state !== 'not_started')) ??
  attempts.at(-1);

const text = z.string();
const nullable = text.nullable();

const intentSchema: z.ZodType<JournalIntent> = z.object({
  id: text.min(1),
  idempotency_key: text,
  attempt: z.int().min(1),
  run_id: nullable,
  agent_id: nullable,
  mission_id: nullable,
  action: text,
  input_hash: text,
  approval_id: nullable,
  reservation_id: text.optional(),
  lineage: z.object({ agents: z.array(text), missions: z.array(text), runs: z.array(text) }).optional(),
  rollback: z.object({ id: text, asked_by: text, undoes: nullable }).optional(),
});

const reversalSchema: z.ZodType<Reversal> = z.discriminatedUnion('is', [
  z.object({ is: z.literal('reversible'), action: text, input: nullable }),
  z.object({ is: z.literal('not_reversible'), why: text }),
]);

const endSchema: z.ZodType<JournalEnd> = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('landed'),
    landing: z.object({ result: nullable, redirected: z.boolean(), reverse: reversalSchema }),
  }),
  z.object({ state: z.enum(['failed', 'not_started', 'unknown']), why: text.optional() }),
]);

/** An intent as an executor has written it; null where it cannot be read. Members of another version are left out. */
export const parseIntent = (value: unknown): JournalIntent | null => intentSchema.safeParse(value).data ?? null;

/** The end of an intent as an executor has written it; null where it cannot be read. */
export const parseEnd = (value: unknown): JournalEnd | null => endSchema.safeParse(value).data ?? null;

/** The value of a JSON text; null for any other text. */
export function jsonIn(stored: string): unknown {
  try {
    return JSON.parse(stored);
  } catch {
    return null;
  }
}

/** What stands for an intent that cannot be read: it may have been tried, so it is unknown. */
export const unreadableIntent = (
  idempotency_key: string,
  { attempt, run_id }: Pick<JournalIntent, 'attempt' | 'run_id'>,
): JournalIntent => ({
  id: 'unreadable',
  ...{ idempotency_key, attempt, run_id },
  ...{ agent_id: null, mission_id: null, action: '(an entry that cannot be read)', input_hash: '', approval_id: null },
});

/** A part of a list, and how long all of it is. */
export const pageOf = <T>(
  all: readonly T[],
  { skip, limit }: { readonly skip: number; readonly limit: number },
): { readonly data: readonly T[]; readonly count: number } => ({
  data: all.slice(skip, skip + limit),
  count: all.length,
});
