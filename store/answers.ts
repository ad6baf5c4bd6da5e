import { type EntryKey, type EntryKind, entryKey, type Entry, type Head, KillSwitchError } from '../flags/index.ts';
import type { ControlView } from './ports.ts';

/** A confirmation hands out at most so many missing events; beyond that loading the whole state is cheaper. */
export const CATCH_UP_EVENTS = 1000;

/** True when both are the same place in the same log; two nulls are the same emptiness. */
export const sameHead = (a: Head | null, b: Head | null): boolean =>
  a === b || (a !== null && b !== null && a.hash === b.hash && a.epoch === b.epoch && a.generation === b.generation);

/** Whether one of these reports speaks of the generation that the store is in now: `recover` starts a new one, so it ends them all. */
export function isForkReported(reports: Iterable<{ readonly against: string }>, head: Head | null): boolean {
  if (head === null) return false;
  for (const { against } of reports) if (against === head.generation) return true;
  return false;
}

/**
 * The entries that were asked for, at one moment. Asking it for another one throws: the fold would take "not read" for "not there",
 * and an event would be made for a state that the store is not in.
 */
export function controlView(
  entries: ReadonlyMap<EntryKey, Entry | undefined>,
  head: Head | null,
  time: string,
): ControlView {
  return {
    head,
    time,
    get<K extends EntryKind>(kind: K, name?: string): Entry<K> | undefined {
      const key = entryKey(kind, name);
      if (!entries.has(key)) {
        throw new KillSwitchError('INVALID_STATE', `The entry ${JSON.stringify(key)} was not read from the store.`);
      }
      return entries.get(key) as Entry<K> | undefined;
    },
  };
}
