import { type Decision, deepFreeze, faultReading, type Reading } from '../flags/index.ts';
import type { Replica } from '../store/replica.ts';
import { decide } from './decide.ts';
import type { GuardedSubject } from './subject.ts';

/** What can be looked at in one turn of the event loop, without asking anybody. */
export interface LocalState {
  readonly isClosed: () => boolean;
  /** The leased copy of the store's state; null where the mode comes from a provider or a client alone. */
  readonly replica: Pick<Replica, 'reading'> | null;
}

/** Nothing has been asked yet: by itself this allows nothing, every action is decided on its own. */
const NOT_ASKED: Reading = deepFreeze({ mode: 'live', cause: { kind: 'mode' }, epoch: 0 });

/**
 * What is known here of a subject that has not been evaluated: where there is a store the local copy says it at once.
 */
export const unasked = ({ replica }: Pick<LocalState, 'replica'>, subject: GuardedSubject): Reading =>
  replica?.reading(subject) ?? NOT_ASKED;

/** A switch that is being closed says so from that turn on, whatever its store or its client still says. */
export const CLOSED = deepFreeze(faultReading('CLOSED', 'this switch has been closed'));

/**
 * What is decided from what was evaluated and, where there is a store, from the local copy as it is in this very turn.
 */
export const look = ({ isClosed, replica }: LocalState, subject: GuardedSubject, evaluated: Reading): Decision =>
  decide(subject, evaluated, isClosed() ? CLOSED : replica?.reading(subject));
