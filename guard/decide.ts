import {
  type Call,
  type Cause,
  type Decision,
  type Effect,
  type FaultCode,
  type Mode,
  modeOf,
  type Reading,
  SAFE_MODE,
  strictness,
  verdictFor,
} from '../flags/index.ts';

/** Who asks to do what: what a decision is about. */
export interface DecidedCall extends Call {
  readonly effect: Effect;
}

type Decided = Pick<Decision, 'verdict' | 'mode' | 'epoch' | 'cause'>;

const decisionOf = (call: DecidedCall, { verdict, mode, epoch, cause }: Decided): Decision => ({
  verdict,
  mode,
  epoch,
  cause,
  action: call.action,
  agentId: call.agentId,
  runId: call.runId,
  missionId: call.missionId,
});

/** The decision of one call from every reading of the switch: the strictest wins, and of two that are equally strict the later one, which names the cause best. */
export function decide(readings: readonly Reading[], call: DecidedCall): Decision {
  let mode: Mode | undefined;
  let cause: Cause = { kind: 'fault', code: 'NO_LOCAL_STATE', message: 'nothing was read of the switch' };
  let epoch = 0;
  for (const reading of readings) {
    const found = modeOf(reading);
    if (mode === undefined || strictness(found.mode) >= strictness(mode)) {
      mode = found.mode;
      cause = found.cause;
    }
    epoch = Math.max(epoch, reading.epoch);
  }
  const decided = mode ?? SAFE_MODE;
  return decisionOf(call, { verdict: verdictFor(decided, call.effect), mode: decided, epoch, cause });
}

/** The same call, stopped for a reason that no mode gives. */
export const blocked = (call: DecidedCall, cause: Cause, decision?: Decision): Decision =>
  decisionOf(call, { verdict: 'block', mode: decision?.mode ?? SAFE_MODE, epoch: decision?.epoch ?? 0, cause });

export const faultCause = (code: FaultCode, message: string): Cause => ({ kind: 'fault', code, message });
