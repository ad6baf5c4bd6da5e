import { type Decision, deepFreeze, type Fault, faultReading, isStricter, type Reading } from '../flags/index.ts';
import type { Replica } from '../store/replica.ts';
import { decide } from './decide.ts';
import type { GuardedSubject } from './subject.ts';

/** What the guard can look at synchronously, without asking a store or provider. */
export interface LocalState {
  readonly isClosed: () => boolean;
  /** Why the answers of the client that is asked for the mode cannot be used now, or null. */
  readonly sourceFault: () => Fault | null;
  /** The leased copy of the store's state; null where the mode comes from a provider or a client alone. */
  readonly replica: Pick<Replica, 'reading'> | null;
}

/**
 * The reading of a run before its first evaluation. It allows nothing by itself: every action is decided on its own.
 */
const NOT_ASKED: Reading = deepFreeze({ mode: 'live', cause: { kind: 'mode' }, epoch: 0 });

/** The reading for a subject that has not been evaluated: that of the local copy, where there is a store. */
export const unasked = ({ replica }: Pick<LocalState, 'replica'>, subject: GuardedSubject): Reading =>
  replica?.reading(subject) ?? NOT_ASKED;

/** The reading of a closed switch, from the moment `close` is called, whatever its store or client still answers. */
const CLOSED = deepFreeze(faultReading('CLOSED', 'this switch has been closed'));

/** What can be read of the switch in this turn, without asking; undefined where there is no local copy to read. */
export function readNow({ isClosed, sourceFault, replica }: LocalState, subject: GuardedSubject): Reading | undefined {
  if (isClosed()) return CLOSED;
  const fault = sourceFault();
  return fault ? faultReading(fault.code, fault.message) : replica?.reading(subject);
}

/**
 * The decision from the last evaluation and from what can be read now.
 * @param asked the same call as people were asked about it, where it uses their approval: the stricter decision counts
 */
export function look(
  local: LocalState,
  subject: GuardedSubject,
  evaluated: Reading,
  asked: GuardedSubject | null = null,
): Decision {
  const own = decide(subject, evaluated, readNow(local, subject));
  if (!asked) return own;
  const other = decide(asked, evaluated, readNow(local, asked));
  return isStricter(other.mode, own.mode) ? other : own;
}
