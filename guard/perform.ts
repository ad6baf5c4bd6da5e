import { randomUUID } from 'node:crypto';
import { type Decision, type Effect, faultReading, messageOf, type Reading, type Verdict } from '../flags/index.ts';
import type { Replica } from '../store/replica.ts';
import { type CallOptions, type NormalisedAction, parseInput } from './action.ts';
import { type Attempt, type AttemptEvent, transition } from './attempt-state.ts';
import { type Changes, nextChange } from './changes.ts';
import { blocked, type DecidedCall, decide, faultCause } from './decide.ts';
import { evaluateMode, type ModeClient } from './evaluate.ts';
import { callHandler } from './handlers.ts';
import type { Identity } from './identity.ts';
import type { InFlight } from './in-flight.ts';
import type { Interventions } from './interventions.ts';
import type { GuardMetrics } from './metrics.ts';
import type { Outcome } from './outcome.ts';

/** How long the answer to a confirmation lets an irreversible action start, in milliseconds since it was sent, by both clocks. */
const PERMIT_MS = 250;

/** Where the mode comes from a provider alone, a waiting call asks it again at least this often, in milliseconds. */
export const POLL_MS = 1000;

/** How often one call is decided anew because the switch moved between deciding and starting; then it is blocked. */
const MAX_ROUNDS = 100;

/** What every call is performed with. `replica` is null where the mode comes from a provider alone. */
export interface Guard {
  readonly client: ModeClient;
  readonly replica: Replica | null;
  readonly organizationId: string;
  readonly inFlight: InFlight;
  readonly changes: Changes;
  readonly interventions: Interventions;
  readonly metrics: GuardMetrics;
  readonly identity: () => Identity | undefined;
  readonly isClosed: () => boolean;
  /** Lets the event loop turn when it is time to. */
  readonly turn: () => Promise<void> | null;
  readonly handlerTimeoutMs: number;
}

const UNIDENTIFIED =
  'nobody is named for this call: perform it inside killSwitch.run({ agentId }, …), or give createKillSwitch an agentId';

/** What an action is, as far as a decision goes. */
export interface ActionTerms {
  readonly name: string | undefined;
  readonly effect: Effect;
  readonly surface: string | undefined;
  readonly feature?: string | undefined;
}

/** The call that a decision is about: the action's own terms, and whoever works now. */
export const callOf = (guard: Guard, action: ActionTerms, identity: Identity | undefined): DecidedCall => ({
  organizationId: guard.organizationId,
  agentId: identity?.agentId,
  missionId: identity?.missionId,
  runId: identity?.runId,
  lineageAgents: identity?.lineageAgents,
  lineageMissions: identity?.lineageMissions,
  lineageRuns: identity?.lineageRuns,
  action: action.name,
  effect: action.effect,
  surface: action.surface,
  feature: action.feature,
});

/** What is decided from what was evaluated and, where there is a store, from the local copy as it is in this very turn. */
export const look = (guard: Guard, call: DecidedCall, evaluated: Reading): Decision =>
  decide(guard.replica ? [evaluated, guard.replica.reading(call)] : [evaluated], call);

/** What this version cannot enforce yet, or a part that is missing here: such an action never runs. */
function unenforced<Input, Result>(guard: Guard, action: NormalisedAction<Input, Result>): string | null {
  if (action.limits && Object.keys(action.limits).length > 0) return 'limits are not enforced in this version';
  if (action.spend && Object.keys(action.spend).length > 0) return 'budgets are not enforced in this version';
  if (!guard.replica && action.irreversible) return 'an irreversible action needs a store that confirms it';
  if (!guard.replica && action.reverse)
    return 'an action with a reverse operation needs a store that keeps its journal';
  return null;
}

/** Decides from the start, and waits while the switch says `pause`: the one waiting loop. Resolves with a verdict other than `pause`, or with it when the wait is over. */
export async function decideAndWait(
  guard: Guard,
  call: DecidedCall,
  {
    waitMs,
    signal,
    onWait,
  }: { waitMs: number; signal?: AbortSignal | undefined; onWait: (decision: Decision) => void },
): Promise<{ readonly decision: Decision; readonly evaluated: Reading }> {
  const until = performance.now() + waitMs;
  for (;;) {
    const since = performance.now();
    const evaluated = await evaluateMode(guard.client, call);
    const decision = look(guard, call, evaluated);
    guard.metrics.decided(decision, performance.now() - since);
    if (decision.verdict !== 'pause') return { decision, evaluated };
    onWait(decision);
    const isOver = (): boolean => performance.now() >= until || signal?.aborted === true || guard.isClosed();
    do {
      if (isOver()) return { decision, evaluated };
      const most = guard.replica ? Number.POSITIVE_INFINITY : POLL_MS;
      await nextChange(guard.changes, Math.min(most, until - performance.now()), signal);
      // A change of something else costs one local look, not an evaluation.
    } while (guard.replica && look(guard, call, guard.replica.reading(call)).verdict === 'pause');
  }
}

/**
 * The centre: decide → wait → intend → confirm → execute → land. The last look at the local copy, with its lease, is in the very turn that
 * calls `execute`; nothing is awaited in between. When that look no longer gives the same verdict, the call is decided again from the start.
 */
export async function perform<Input, Result>(
  guard: Guard,
  action: NormalisedAction<Input, Result>,
  rawInput: Input,
  options: CallOptions,
): Promise<Outcome<Result>> {
  const turn = guard.turn();
  if (turn) await turn;
  const input = action.inputSchema ? await parseInput(action, rawInput) : rawInput;
  const identity = guard.identity();
  const call = callOf(guard, action, identity);
  let attempt: Attempt = { is: 'deciding' };
  const step = (event: AttemptEvent): Attempt => {
    attempt = transition(attempt, event);
    return attempt;
  };
  const refuse = (decision: Decision): Outcome<Result> => {
    step({ type: attempt.is === 'intended' || attempt.is === 'confirming' ? 'deny' : 'refuse', decision });
    guard.interventions.add(decision, call, { input, status: 'blocked', state: attempt.is });
    return { status: 'blocked', decision };
  };
  if (identity?.agentId === undefined) return refuse(blocked(call, { kind: 'identity', message: UNIDENTIFIED }));

  const onWait = (decision: Decision): void => {
    if (attempt.is !== 'waiting')
      guard.interventions.add(decision, call, { input, status: 'paused', state: 'waiting' });
    step({ type: 'wait', decision });
  };
  const until = performance.now() + (options.waitMs ?? Number.POSITIVE_INFINITY);
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const waitMs = Math.max(0, until - performance.now());
    const { decision, evaluated } = await decideAndWait(guard, call, { waitMs, signal: options.signal, onWait });
    const { verdict } = decision;
    if (verdict === 'pause') return { status: 'paused', decision };
    if (verdict === 'block') return refuse(decision);
    const missing = unenforced(guard, action);
    if (missing !== null) return refuse(blocked(call, faultCause('UNSUPPORTED', missing), decision));
    if (verdict === 'hold') {
      return refuse(blocked(call, faultCause('UNSUPPORTED', 'approvals are not available in this version'), decision));
    }
    const seen = { evaluated };
    const again = (): Decision => look(guard, call, seen.evaluated);
    const refresh = async (): Promise<void> => {
      seen.evaluated = await evaluateMode(guard.client, call);
    };

    if (verdict === 'draft') {
      const drafted = await draft(guard, action, call, input, decision);
      if ('problem' in drafted) return refuse(blocked(call, faultCause(drafted.code, drafted.problem), decision));
      const now = again();
      if (now.verdict === 'block') return refuse(now);
      return { status: 'drafted', decision, draft: drafted.value };
    }

    let effective = input;
    if (verdict === 'redirect') {
      const redirected = await redirect(guard, action, input);
      if ('problem' in redirected)
        return refuse(blocked(call, faultCause('HANDLER_FAILED', redirected.problem), decision));
      effective = redirected.value;
    }
    if (options.signal?.aborted) return { status: 'aborted', decision, landed: 'no' };
    step({ type: 'intend', decision });

    let permitted: Reading | null = null;
    if (action.irreversible && guard.replica) {
      step({ type: 'confirm' });
      permitted = await permit(guard.replica);
      if (options.signal?.aborted) return { status: 'aborted', decision, landed: 'no' };
    }
    const last = again();
    if (last.verdict !== verdict) {
      if (last.verdict === 'block') return refuse(last);
      step({ type: 'reconsider' });
      continue;
    }
    if (permitted) return refuse(decide([permitted], call));
    return await execute({
      guard,
      action,
      identity,
      call,
      verdict,
      last,
      again,
      refresh,
      input,
      effective,
      options,
      step,
    });
  }
  return refuse(
    blocked(call, faultCause('STALE', `the switch changed ${MAX_ROUNDS} times while this call was decided`)),
  );
}

interface Execution<Input, Result> {
  readonly guard: Guard;
  readonly action: NormalisedAction<Input, Result>;
  readonly identity: Identity;
  readonly call: DecidedCall;
  readonly verdict: Verdict;
  readonly last: Decision;
  readonly again: () => Decision;
  readonly refresh: () => Promise<void>;
  readonly input: Input;
  readonly effective: Input;
  readonly options: CallOptions;
  readonly step: (event: AttemptEvent) => Attempt;
}

/** Starts `execute` in this very turn, and reports what became of it. */
function execute<Input, Result>(execution: Execution<Input, Result>): Promise<Outcome<Result>> {
  const { guard, action, identity, call, verdict, last, again, refresh, input, effective, options, step } = execution;
  const stopper = lazySignal(options.signal);
  step({ type: 'start' });
  const ended = guard.inFlight.start(identity, {
    decision: last,
    look: again,
    refresh,
    stop: (stoppedBy) => {
      step({ type: 'stop', decision: stoppedBy });
      stopper.abort(stoppedBy);
    },
  });
  if (verdict === 'redirect') {
    guard.interventions.add(last, call, {
      input: effective,
      original: input,
      status: 'redirected',
      state: 'executing',
    });
  }
  const context = {
    get signal(): AbortSignal {
      return stopper.signal;
    },
    idempotencyKey: options.idempotencyKey ?? randomUUID(),
  };
  // Called here, in the turn of the last look; only its end is awaited.
  const running = attemptCall(() => action.execute(effective, context));
  return running.then(
    (result): Outcome<Result> => {
      ended();
      stopper.release();
      const landed = step({ type: 'land' });
      if (landed.is === 'landed' && landed.stoppedBy) return aborted(landed.stoppedBy, true);
      return { status: verdict === 'redirect' ? 'redirected' : 'executed', decision: last, result };
    },
    (error: unknown): Outcome<Result> => {
      ended();
      stopper.release();
      const failed = step({ type: 'fail', error });
      if (failed.is === 'unknown') return aborted(failed.stoppedBy, false);
      throw error;
    },
  );

  function aborted(stoppedBy: Decision, landed: boolean): Outcome<Result> {
    // What ended after it was told to stop is never a success that nobody saw; only what cannot change anything is known not to have landed.
    guard.interventions.add(stoppedBy, call, {
      input: effective,
      status: 'aborted',
      state: landed ? 'landed' : 'unknown',
    });
    return { status: 'aborted', decision: stoppedBy, landed: action.effect === 'write' ? 'unknown' : 'no' };
  }
}

async function attemptCall<T>(start: () => T | Promise<T>): Promise<T> {
  return await start();
}

/** An AbortSignal that is made only when somebody looks at it: most actions never do. */
function lazySignal(outer: AbortSignal | undefined): {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  release(): void;
} {
  let controller: AbortController | undefined;
  let fired: { readonly reason: unknown } | undefined;
  const onOuter = (): void => abort(outer?.reason);
  const abort = (reason: unknown): void => {
    fired ??= { reason };
    controller?.abort(reason);
  };
  return {
    get signal(): AbortSignal {
      if (!controller) {
        controller = new AbortController();
        if (fired) controller.abort(fired.reason);
        else if (outer?.aborted) controller.abort(outer.reason);
        else outer?.addEventListener('abort', onOuter, { once: true });
      }
      return controller.signal;
    },
    abort,
    release: () => outer?.removeEventListener('abort', onOuter),
  };
}

/** Null when the store has confirmed the very state that is held here, recently enough; else what is wrong. */
async function permit(replica: Replica): Promise<Reading | null> {
  const sent = await replica.permit(PERMIT_MS);
  const now = replica.now();
  const fresh = sent !== null && now.mono - sent.mono < PERMIT_MS && Math.abs(now.wall - sent.wall) < PERMIT_MS;
  if (fresh) return null;
  return faultReading('STALE', `the store did not confirm this action within ${PERMIT_MS} ms`, replica.epoch);
}

type Prepared<T> =
  | { readonly value: T }
  | { readonly problem: string; readonly code: 'HANDLER_FAILED' | 'JOURNAL_UNAVAILABLE' };

async function redirect<Input, Result>(
  guard: Guard,
  action: NormalisedAction<Input, Result>,
  input: Input,
): Promise<Prepared<Input>> {
  const code = 'HANDLER_FAILED';
  const { redirect: handler } = action;
  if (!handler) return { problem: `${action.name} declares no safe destination (redirect) for test_mode`, code };
  const handled = await callHandler('redirect', () => handler(input), guard.handlerTimeoutMs);
  if ('problem' in handled) return { ...handled, code };
  if (handled.value === undefined || handled.value === null)
    return { problem: 'its redirect handler gave no input', code };
  try {
    return { value: await parseInput(action, handled.value) };
  } catch (error) {
    return { problem: `its redirect handler gave an input that does not fit: ${messageOf(error)}`, code };
  }
}

async function draft<Input, Result>(
  guard: Guard,
  action: NormalisedAction<Input, Result>,
  call: DecidedCall,
  input: Input,
  decision: Decision,
): Promise<Prepared<unknown>> {
  const { draft: handler } = action;
  if (handler) {
    const handled = await callHandler('draft', () => handler(input), guard.handlerTimeoutMs);
    if ('problem' in handled) return { ...handled, code: 'HANDLER_FAILED' };
    if (handled.value === undefined) return { problem: 'its draft handler gave nothing', code: 'HANDLER_FAILED' };
    guard.interventions.add(decision, call, { input, status: 'drafted', state: 'refused' });
    return handled;
  }
  try {
    return { value: await guard.interventions.propose(decision, call, input) };
  } catch (error) {
    return { problem: `the proposal could not be recorded: ${messageOf(error)}`, code: 'JOURNAL_UNAVAILABLE' };
  }
}
