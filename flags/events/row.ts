import { z } from 'zod';
import { type Entry, type EntryKind, entryKey, type Patch, type StateView } from '../entries.ts';
import { KillSwitchError } from '../errors.ts';
import { deepFreeze } from '../freeze.ts';
import type { LastChange, LogEvent } from '../records.ts';
import { UNKNOWN, unknownParts } from '../unknown-parts.ts';

/**
 * What an event does to authority: takes some away, gives some back, or changes none. A push may be acted on only when
 * it does not loosen.
 */
export type Direction = 'tightens' | 'loosens' | 'neutral';

export interface Folded {
  readonly patch: Patch;
  readonly direction: Direction;
}

/** What the fold reads of an event beside its data. */

export type EventFacts = Pick<LogEvent, 'seq' | 'at' | 'actor' | 'reason'>;

/**
 * The member that every event's data may have besides its own: the id of its command, by which a retry finds its own
 * event.
 */
const OF_A_COMMAND = { command_id: z.string().min(1).optional() };

/** What else is known of a kind of event, beside what it does to the state. */
export interface Traits {
  /** The generation that it begins: that of a new log, or one in which a log goes on after a loss. */
  readonly begins?: 'log' | 'recovery';
  /** True where nobody waits for it: it never goes before the changes of others. */
  readonly isUpkeep?: true;
}

/**
 * One kind of event: its data, and what that does to the state. Data with a member that is not named here is refused:
 * it may be a condition that only a newer version knows.
 */
export function row<Members extends z.ZodRawShape>(
  members: Members,
  fold: (
    view: StateView,
    data: z.infer<z.ZodObject<Members & typeof OF_A_COMMAND, z.core.$strict>>,
    event: EventFacts,
  ) => Folded,
  traits: Traits = {},
) {
  const data = z.strictObject({ ...members, ...OF_A_COMMAND });
  return {
    data,
    traits,
    fold(view: StateView, event: LogEvent): Folded {
      const parsed = data.safeParse(event.data);
      if (!parsed.success) throw unknownEvent(event, unknownParts(parsed.error), parsed.error);
      return fold(view, parsed.data, event);
    },
  };
}

/** Its hash has shown that the event is what was written, so what cannot be read of it is no damage. */
export const unknownEvent = ({ seq, type }: LogEvent, parts: string, cause?: z.ZodError): KillSwitchError =>
  new KillSwitchError('UNKNOWN_EVENT', `Event ${seq} of the log (${type}) has ${parts}, which ${UNKNOWN}`, { cause });

/** The last change of an entry that this event sets. */
export const changedBy = ({ seq, actor, at }: EventFacts): LastChange => ({ epoch: seq, by: actor, at });

export const set = <K extends EntryKind>(kind: K, name: string | undefined, entry: Entry<K>): Patch => ({
  set: [[entryKey(kind, name), entry]],
  remove: [],
});

export const NOTHING: Patch = deepFreeze({ set: [], remove: [] });

export const compare = (before: number, after: number): Direction =>
  after > before ? 'tightens' : after < before ? 'loosens' : 'neutral';
