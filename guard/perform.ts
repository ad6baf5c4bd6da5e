import { type Decision, messageOf } from '../flags/index.ts';
import { type NormalisedAction, parseInput, type readOptions } from './action.ts';
import { type Attempt, type AttemptEvent, transition } from './attempt-state.ts';
import { askPermit, type Permit } from './confirm.ts';
import { blocked, type DecidedCall, decide, faultCause } from './decide.ts';
import { evaluateMode } from './evaluate.ts';
import { execute } from './execute.ts';
import { callOf, type Guard, look } from './guard.ts';
import { callHandler } from './handlers.ts';
import { unidentified } from './identity.ts';
import { stopOngoing } from './ongoing/index.ts';
import type { Outcome } from './outcome.ts';
import { decided, type Waiting, waitFor } from './wait.ts';

/**
 * How often one call is decided anew because the switch moved, or the permit ran out, between deciding and starting; then it is blocked.
 * A permit runs out where many confirmed calls keep the event loop busy one after the other: each round lets some of them start.
 */
const MAX_ROUNDS = 100;

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
 * The centre: decide → wait → intend → confirm → execute → land. The last look at the local copy, with its lease and the permit's age, is in the
 * very synchronous block that calls `execute`: nothing is awaited in between, nothing of the user's runs, and nothing grows with the input. Whatever
 * could (handlers, schemas, the record of a redirect, the caller's options) comes before that look. When it no longer gives the same verdict, or the
 * permit has run out, the call is decided again from the start.
 */
export async function perform<Input, Result>(
  guard: Guard,
  action: NormalisedAction<Input, Result>,
  rawInput: Input,
  options: ReturnType<typeof readOptions>,
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
  if (identity?.agentId === undefined)
    return refuse(blocked(call, { kind: 'identity', message: unidentified(guard.requireRun) }));

  const onWait = (decision: Decision): void => {
    if (attempt.is !== 'waiting')
      guard.interventions.add(decision, call, { input, status: 'paused', state: 'waiting' });
    step({ type: 'wait', decision });
  };
  const until = performance.now() + options.waitMs;
  const waiting: Waiting = { until, signal: options.signal, onWait };
  /** Made once: what a handler gave does not depend on the round. */
  let redirected: { readonly input: Input; readonly keepRecord: () => void } | undefined;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const since = performance.now();
    let now = decided(guard, call, await evaluateMode(guard.client, call, guard.deadlines), since);
    if (now.decision.verdict === 'pause') now = await waitFor(guard, call, now, waiting);
    const { evaluated } = now;
    // Where a handler of the user's is called below, anew: waiting and measuring may have let others run.
    const decision = now.decision.verdict === 'allow' ? now.decision : look(guard, call, evaluated);
    const { verdict } = decision;
    if (verdict === 'pause') return { status: 'paused', decision };
    if (verdict === 'block') return refuse(decision);
    const missing = unenforced(guard, action);
    if (missing !== null) return refuse(blocked(call, faultCause('UNSUPPORTED', missing), decision));
    if (verdict === 'hold') {
      return refuse(blocked(call, faultCause('UNSUPPORTED', 'approvals are not available in this version'), decision));
    }
    if (verdict === 'draft') {
      const drafted = await draft(guard, action, call, input, decision);
      if ('problem' in drafted) return refuse(blocked(call, faultCause(drafted.code, drafted.problem), decision));
      const last = look(guard, call, evaluated);
      if (last.verdict === 'block') return refuse(last);
      return { status: 'drafted', decision, draft: drafted.value };
    }

    if (verdict === 'redirect' && !redirected) {
      const handled = await redirect(guard, action, input);
      if ('problem' in handled) return refuse(blocked(call, faultCause('HANDLER_FAILED', handled.problem), decision));
      const circumstances = { input: handled.value, original: input, status: 'redirected', state: 'executing' };
      redirected = { input: handled.value, keepRecord: guard.interventions.prepare(decision, call, circumstances) };
    }
    if (options.signal?.aborted) return { status: 'aborted', decision, landed: 'no' };
    step({ type: 'intend', decision });

    let permit: Permit | null = null;
    if (action.irreversible && guard.replica) {
      step({ type: 'confirm' });
      permit = await askPermit(guard.replica);
      if (options.signal?.aborted) return { status: 'aborted', decision, landed: 'no' };
    }
    // From here to `execute` nothing is awaited, and nothing of the user's runs.
    const last = look(guard, call, evaluated);
    if (last.verdict === 'block') return refuse(last);
    if (permit?.is === 'refused') return refuse(decide([permit.reading], call));
    const mayStart = permit === null || (permit.is === 'granted' && permit.isFresh());
    if (last.verdict !== verdict || !mayStart) {
      step({ type: 'reconsider' });
      continue;
    }
    const { input: effective, keepRecord } = verdict === 'redirect' && redirected ? redirected : { input };
    return execute({ guard, action, call, decision: last, evaluated, effective, options, keepRecord, step });
  }
  return refuse(
    blocked(call, faultCause('STALE', `the switch changed ${MAX_ROUNDS} times while this call was decided`)),
  );
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
    if (stopOngoing(action.name, handled.value)) {
      const problem =
        'its draft handler gave something that could act after the call (a generator, a stream, a promise, a timer): await it in the handler';
      return { problem, code: 'HANDLER_FAILED' };
    }
    guard.interventions.add(decision, call, { input, status: 'drafted', state: 'refused' });
    return handled;
  }
  try {
    return { value: await guard.interventions.propose(decision, call, input) };
  } catch (error) {
    return { problem: `the proposal could not be recorded: ${messageOf(error)}`, code: 'JOURNAL_UNAVAILABLE' };
  }
}
