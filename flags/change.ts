import type { Patch, StateView } from './entries.ts';
import { isKillSwitchError, KillSwitchError, messageOf } from './errors.ts';
import { type Direction, type EventType, type Folded, foldEvent, generationBegun, isUpkeep } from './fold.ts';
import { GENESIS, sealEvent } from './hash-chain.ts';
import type { Head, LogEvent } from './records.ts';

/** One event, ready to be appended to the log that it was made for, with its effects. */
export interface Change {
  readonly event: LogEvent;
  readonly patch: Patch;
  readonly direction: Direction;
  /** Where the log stands afterwards. */
  readonly head: Head;
}

/**
 * True for a change that gives authority back. Only such a change needs a reason and can come too late, and Redis takes
 * all others also when its memory is full.
 */
export const loosens = ({ direction }: Pick<Change, 'direction'>): boolean => direction === 'loosens';

/** True for a change that goes before those of other writers where it is overtaken by them. */
export const goesFirst = ({ direction, event }: Pick<Change, 'direction' | 'event'>): boolean =>
  direction !== 'loosens' && !isUpkeep(event.type);

/** What the event is to say. */
export interface NextEvent {
  readonly type: EventType;
  readonly data: Record<string, unknown>;
  /** The store's clock, RFC 3339 UTC. */
  readonly at: string;
  readonly actor: string;
  readonly reason?: string | null | undefined;
  /** The highest epoch that somebody may have seen beyond the end of the log, for a recovery; default 0. */
  readonly beyond?: number | undefined;
}

/** The number of the next event of a log that ends in `head`. */
export const nextEpoch = (head: Head | null, beyond = 0): number => Math.max(head?.epoch ?? 0, beyond) + 1;

/**
 * Makes the next event of a log, with its effects. Nothing else makes events.
 * @throws KillSwitchError CORRUPT for data that no reader could read, INVALID_STATE for an event that belongs to no log
 */
export function nextChange(
  view: StateView & { readonly head: Head | null },
  { type, data, at, actor, reason = null, beyond }: NextEvent,
): Change {
  const { head } = view;
  const seq = nextEpoch(head, beyond);
  const event = sealEvent({ seq, at, actor, type, data, reason, prev: head?.hash ?? GENESIS });
  return { event, ...foldOwn(view, event), head: headAfter(head, event) };
}

/** An event that this version makes and cannot read is wrong: no other version has written it. */
function foldOwn(view: StateView, event: LogEvent): Folded {
  try {
    return foldEvent(view, event);
  } catch (error) {
    if (!isKillSwitchError(error) || error.code !== 'UNKNOWN_EVENT') throw error;
    throw new KillSwitchError('CORRUPT', `No reader could read this: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * True when `event` continues the log that ends in `hash` at `epoch`. Only a recovery may skip numbers: executors may
 * have seen later events that the store has lost.
 */
export const follows = (event: LogEvent, hash: string, epoch: number): boolean =>
  event.prev === hash && (event.seq === epoch + 1 || (generationBegun(event.type) === 'recovery' && event.seq > epoch));

/**
 * Where a log stands after an event that follows its head.
 * @throws KillSwitchError INVALID_STATE for an event that belongs to no log
 */
export function headAfter(head: Head | null, { type, data, seq, hash }: LogEvent): Head {
  const begun = generationBegun(type);
  const own = begun ? { generation: String(data['generation']), recovered: begun === 'recovery' } : head;
  if (!own) throw new KillSwitchError('INVALID_STATE', `Event ${seq} (${type}) does not belong to any log.`);
  return { generation: own.generation, recovered: own.recovered, epoch: seq, hash };
}
