import { randomUUID } from 'node:crypto';
import { type Decision, faultReading, type Reading } from '../flags/index.ts';
import type { Replica } from '../store/replica.ts';
import { type CallOptions, type NormalisedAction, parseInput } from './action.ts';
import { blocked, type DecidedCall, decide, faultCause, supported } from './decide.ts';
import { evaluateMode, type ModeClient } from './evaluate.ts';
import { type Identity, identityOfCall } from './identity.ts';
import type { InFlight } from './in-flight.ts';
import type { Outcome } from './outcome.ts';

/** How long the answer to a confirmation lets an irreversible action start, in milliseconds since it was sent, by both clocks. */
export const PERMIT_MS = 250;

/** What every call is performed with. `replica` is null where the mode comes from a provider alone. */
export interface Guard {
  readonly client: ModeClient;
  readonly replica: Replica | null;
  readonly organizationId: string;
  readonly inFlight: InFlight;
  readonly identity: () => Identity | undefined;
}

const UNIDENTIFIED =
  'nobody is named for this call: perform it inside killSwitch.run({ agentId }, …), or give createKillSwitch an agentId';

/** The call that a decision is about: the action's own terms, and whoever works now. */
export function callOf<Input, Result>(
  guard: Guard,
  action: Pick<NormalisedAction<Input, Result>, 'name' | 'effect' | 'surface' | 'feature'>,
  identity: Identity | undefined,
): DecidedCall {
  return {
    ...(identity && identityOfCall(identity)),
    organizationId: guard.organizationId,
    action: action.name,
    effect: action.effect,
    surface: action.surface,
    feature: action.feature,
  };
}

/** What this version cannot enforce yet, or a part that is missing here: such an action never runs. */
function unenforced<Input, Result>(guard: Guard, action: NormalisedAction<Input, Result>): string | null {
  if (action.limits && Object.keys(action.limits).length > 0) return 'limits are not enforced in this version';
  if (action.spend && Object.keys(action.spend).length > 0) return 'budgets are not enforced in this version';
  if (!guard.replica && action.irreversible) return 'an irreversible action needs a store that confirms it';
  if (!guard.replica && action.reverse)
    return 'an action with a reverse operation needs a store that keeps its journal';
  return null;
}

/**
 * The centre: decide → confirm → decide again → execute. The last look at the local copy, with its lease, is in the very turn that calls `execute`;
 * nothing is awaited in between.
 */
export async function perform<Input, Result>(
  guard: Guard,
  action: NormalisedAction<Input, Result>,
  rawInput: Input,
  options: CallOptions,
): Promise<Outcome<Result>> {
  const input = await parseInput(action, rawInput);
  const identity = guard.identity();
  const call = callOf(guard, action, identity);
  const refuse = (decision: Decision): Outcome<Result> => ({ status: 'blocked', decision });
  if (identity?.agentId === undefined) return refuse(blocked(call, { kind: 'identity', message: UNIDENTIFIED }));
  const missing = unenforced(guard, action);

  const evaluated = await evaluateMode(guard.client, call);
  const look = (): Decision => {
    const readings: Reading[] = guard.replica ? [evaluated, guard.replica.reading(call)] : [evaluated];
    return supported(decide(readings, call), call);
  };
  let decision = look();
  if (decision.verdict !== 'allow') return refuse(decision);
  if (missing !== null) return refuse(blocked(call, faultCause('UNSUPPORTED', missing), decision));
  if (options.signal?.aborted) return { status: 'aborted', decision, landed: 'no' };

  if (action.irreversible && guard.replica) {
    const sent = await guard.replica.permit(PERMIT_MS);
    decision = look();
    if (decision.verdict !== 'allow') return refuse(decision);
    const now = guard.replica.now();
    const fresh = sent !== null && now.mono - sent.mono < PERMIT_MS && Math.abs(now.wall - sent.wall) < PERMIT_MS;
    if (!fresh) {
      const fault = faultReading(
        'STALE',
        `the store did not confirm this action within ${PERMIT_MS} ms`,
        decision.epoch,
      );
      return refuse(decide([fault], call));
    }
    if (options.signal?.aborted) return { status: 'aborted', decision, landed: 'no' };
  }
  const context = {
    signal: options.signal ?? new AbortController().signal,
    idempotencyKey: options.idempotencyKey ?? randomUUID(),
  };
  const result = await guard.inFlight.track(identity, () => action.execute(input, context));
  return { status: 'executed', decision, result };
}
