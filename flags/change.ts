import type { Patch, StateView } from './entries.ts';
import { KillSwitchError } from './errors.ts';
import { type Direction, type EventType, foldEvent } from './fold.ts';
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
 * False for a change that gives authority back. All others go first in a queue, and Redis takes them also when its
 * memory is full.
 */
export const takesAway = ({ direction }: Pick<Change, 'direction'>): boolean => direction !== 'loosens';

/** What the event is to say. */
export interface NextEvent {
  readonly type: EventType;
  readonly data: Record<string, unknown>;
  /** The store's clock, RFC 3339 UTC. */
  readonly at: string;
  readonly actor: string;
  readonly reason?: string | null | undefined;
  /** The highest epoch that somebody may have seen beyond the end of the log, for a `recover`; default 0. */
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
  return { event, ...foldEvent(view, event), head: headAfter(head, event) };
}

/**
 * True when `event` continues the log that ends in `hash` at `epoch`. Only a `recover` may skip numbers: executors may
 * have seen later events that the store has lost.
 */
export const follows = (event: LogEvent, hash: string, epoch: number): boolean =>
  event.prev === hash && (event.seq === epoch + 1 || (event.type === 'recover' && event.seq > epoch));

/**
 * Where a log stands after an event that follows its head.
 * @throws KillSwitchError INVALID_STATE for an event that belongs to no log
 */
export function headAfter(head: Head | null, { type, data, seq, hash }: LogEvent): Head {
  const own = beginsGeneration(type) ? { generation: String(data['generation']), recovered: type === 'recover' } : head;
  if (!own) throw new KillSwitchError('INVALID_STATE', `Event ${seq} (${type}) does not belong to any log.`);
  return { generation: own.generation, recovered: own.recovered, epoch: seq, hash };
}

/** The events that begin a generation: of a new log, or of one that goes on after a loss. */
const beginsGeneration = (type: string): boolean => type === 'init' || type === 'recover';
