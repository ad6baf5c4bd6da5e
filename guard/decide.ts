import {
  type Call,
  type Cause,
  type Decision,
  type Effect,
  type FaultCode,
  isStricter,
  makeDecision,
  modeOf,
  type Reading,
  SAFE_MODE,
  verdictFor,
} from '../flags/index.ts';

/** Who asks to do what: what a decision is about. */
export interface DecidedCall extends Call {
  readonly effect: Effect;
}

/** The decision of one call from what was read of the switch: the stricter reading wins, and of two that are equally strict the later one, which names the cause best. */
export function decide(call: DecidedCall, reading: Reading, later?: Reading): Decision {
  const first = modeOf(reading);
  const second = later && modeOf(later);
  const { mode, cause } = second && !isStricter(first.mode, second.mode) ? second : first;
  const epoch = later ? Math.max(reading.epoch, later.epoch) : reading.epoch;
  return makeDecision(call, { verdict: verdictFor(mode, call.effect), mode, epoch, cause });
}

/** The same call, stopped for a reason that no mode gives. */
export const blocked = (call: Call, cause: Cause, decision?: Decision): Decision =>
  makeDecision(call, { verdict: 'block', mode: decision?.mode ?? SAFE_MODE, epoch: decision?.epoch ?? 0, cause });

export const faultCause = (code: FaultCode, message: string): Cause => ({ kind: 'fault', code, message });
