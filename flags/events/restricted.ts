import type { EntryPlace, StateView } from '../entries.ts';
import { type ActiveKill, MOST_RESTRICTERS } from '../records.ts';
import type { Direction, EventFacts } from './row.ts';

/** What an event does to an entry. */
interface Change {
  readonly direction: Direction;
  readonly event: Pick<EventFacts, 'actor'>;
  /** True where nothing of it is restricted any more; default false: only its removal gives all of it back. */
  readonly isWhole?: boolean;
}

/** An entry as it was: absent where there was none. */
type Before = { readonly restricted_by?: readonly string[] | undefined; readonly by?: string } | undefined;

/** Who has restricted what an event sets: kept where none of them may agree to lift it (governance `killer`). */
export function restricted(
  view: StateView,
  before: Before,
  { direction, event, isWhole = false }: Change,
): { restricted_by?: string[] } {
  if (view.get('governance')?.second_person !== 'killer') return {};
  if (isWhole) return { restricted_by: [] };
  const known = restrictersOf(before);
  return { restricted_by: direction === 'tightens' ? withLast(known, event.actor) : [...known] };
}

/** Where it was not kept: whoever has changed it last. */
const restrictersOf = (entry: Before): readonly string[] =>
  entry?.restricted_by ?? (entry?.by === undefined ? [] : [entry.by]);

/** Who has restricted something, with one more, who is named last. */
const withLast = (people: readonly string[], last: string): string[] =>
  [...people.filter((each) => each !== last), last].slice(-MOST_RESTRICTERS);

/** Who has made a kill what it is, the last one last. */
export const killersOf = ({ killed_by, restricted_by = [] }: ActiveKill): readonly string[] =>
  withLast(restricted_by, killed_by).filter((each) => each !== '');

/** Everybody who has restricted what is in an entry; nobody where there is none. */
export function whoRestricted(view: StateView, [kind, name]: EntryPlace): readonly string[] {
  if (kind !== 'kill') return restrictersOf(view.get(kind, name));
  const kill = view.get(kind, name);
  return kill ? killersOf(kill) : [];
}
