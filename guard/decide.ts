import {
  type Cause,
  type Decision,
  type FaultCode,
  isStricter,
  makeDecision,
  modeOf,
  type Reading,
  SAFE_MODE,
  type Subject,
  verdictFor,
} from '../flags/index.ts';
import type { GuardedSubject } from './subject.ts';

/**
 * The decision about one subject. The stricter reading wins; of two equally strict ones the later, whose cause is more
 * recent.
 */
export function decide(subject: GuardedSubject, reading: Reading, later?: Reading): Decision {
  const first = modeOf(reading);
  const second = later && modeOf(later);
  const { mode, cause } = second && !isStricter(first.mode, second.mode) ? second : first;
  const epoch = later ? Math.max(reading.epoch, later.epoch) : reading.epoch;
  return makeDecision(subject, { verdict: verdictFor(mode, subject.effect), mode, epoch, cause });
}

/** A block for a reason other than the mode. */
export const blocked = (subject: Subject, cause: Cause, decision?: Decision): Decision =>
  makeDecision(subject, { verdict: 'block', mode: decision?.mode ?? SAFE_MODE, epoch: decision?.epoch ?? 0, cause });

export const faultCause = (code: FaultCode, message: string): Cause => ({ kind: 'fault', code, message });
