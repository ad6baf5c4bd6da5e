import type { Cause } from './causes.ts';
import type { Mode, Verdict } from './modes.ts';

/** What was computed for one call. `epoch`: the last applied change it rests on, 0 when none is known. */
export interface Decision {
  readonly verdict: Verdict;
  readonly mode: Mode;
  readonly epoch: number;
  readonly cause: Cause;
  readonly action: string | undefined;
  readonly agentId: string | undefined;
  readonly runId: string | undefined;
  readonly missionId: string | undefined;
}

/** The same decision, so that nobody who is given it can change what others go by. It is flat but for its cause, and this is done for each call. */
export function freezeDecision(decision: Decision): Decision {
  Object.freeze(decision.cause);
  return Object.freeze(decision);
}
