import type { JournalEnd, JournalEntry, JournalState } from './capabilities/journal.ts';

/** Which ends an entry in this state still takes: what has landed is always recorded, anything else only once. */
const TAKES: Readonly<Record<JournalState['state'], ReadonlyArray<JournalEnd['state']>>> = {
  intended: ['landed', 'failed', 'not_started', 'unknown'],
  unknown: ['landed'],
  landed: [],
  failed: [],
  not_started: [],
};

/** The entry after this end of it; the same entry where that changes nothing. */
export function endedEntry(entry: JournalEntry, end: JournalEnd, at: string): JournalEntry {
  if (!TAKES[entry.state].includes(end.state)) return entry;
  const { state: _, ...intent } = entry;
  return { ...intent, ...end, at };
}

/** True for an entry that nobody needs any more. What has ended is kept from its end on, the rest from its intent on. */
export const isOver = (
  { state, at, intended_at }: JournalEntry,
  before: { readonly ended: string; readonly intended: string },
): boolean => (state === 'intended' || state === 'unknown' ? intended_at < before.intended : at < before.ended);
