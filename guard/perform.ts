import { type Decision, messageOf } from '../flags/index.ts';
import type { NormalisedAction, readOptions } from './action.ts';
import { type Attempt, type AttemptEvent, transition } from './attempt-state.ts';
import { askPermit, type Permit } from './confirm.ts';
import { blocked, decide, faultCause } from './decide.ts';
import { evaluateMode } from './evaluate.ts';
import { execute } from './execute.ts';
import { callOf, type Guard, look, unasked } from './guard.ts';
import { callHandler, type Handling } from './handlers.ts';
import { unidentified } from './identity.ts';
import { parseInput } from './input.ts';
import { stopOngoing } from './ongoing/index.ts';
import type { Outcome } from './outcome.ts';
import { decided, waitFor } from './wait.ts';

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
  const turn = guard.turns.beforeCall();
  if (turn) await turn;
  const identity = guard.identity();
  const call = callOf(guard, action, identity);
  const { signal } = options;
  const input = action.inputSchema
    ? await parseInput(action, rawInput, { guard, call, evaluated: unasked(guard, call), signal })
    : rawInput;
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

  let since = performance.now();
  const until = since + options.waitMs;
  /** Made once: what a handler gave does not depend on the round. */
  let redirected: { readonly input: Input; readonly keepRecord: () => void } | undefined;
  let round = 0;
  for (; round < MAX_ROUNDS; since = performance.now()) {
    let now = decided(guard, call, await evaluateMode(guard, call, since), since);
    if (now.decision.verdict === 'pause') {
      const onWait = (decision: Decision): void => {
        if (attempt.is !== 'waiting')
          guard.interventions.add(decision, call, { input, status: 'paused', state: 'waiting' });
        step({ type: 'wait', decision });
      };
      now = await waitFor(guard, call, now, { until, signal, onWait });
    }
    // What others have done in this turn of the event loop may have taken long, and so may what the user's code does below: then all is decided anew.
    const turn = now.decision.verdict === 'block' ? null : guard.turns.beforeStart();
    if (turn) {
      await turn;
      continue;
    }
    const { evaluated, asked } = now;
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
      const drafted = await draft(action, input, decision, { guard, call, evaluated, signal });
      if ('problem' in drafted) return refuse(blocked(call, faultCause(drafted.code, drafted.problem), decision));
      const last = look(guard, call, await evaluateMode(guard, call));
      if (last.verdict === 'block') return refuse(last);
      return { status: 'drafted', decision, draft: drafted.value };
    }

    if (verdict === 'redirect' && !redirected) {
      const handled = await redirect(action, input, { guard, call, evaluated, signal });
      if ('problem' in handled) return refuse(blocked(call, faultCause('HANDLER_FAILED', handled.problem), decision));
      const circumstances = { input: handled.value, original: input, status: 'redirected', state: 'executing' };
      redirected = { input: handled.value, keepRecord: guard.interventions.prepare(decision, call, circumstances) };
      continue;
    }
    if (signal?.aborted) return { status: 'aborted', decision, landed: 'no' };
    step({ type: 'intend', decision });

    let permit: Permit | null = null;
    if (action.irreversible && guard.replica) {
      step({ type: 'confirm' });
      permit = await askPermit(guard.replica);
      if (signal?.aborted) return { status: 'aborted', decision, landed: 'no' };
    }
    // From here to `execute` nothing is awaited, and nothing of the user's runs.
    const last = look(guard, call, evaluated);
    if (last.verdict === 'block') return refuse(last);
    if (permit?.is === 'refused') return refuse(decide(call, permit.reading));
    const mayStart = permit === null || (permit.is === 'granted' && permit.isFresh());
    if (last.verdict !== verdict || !mayStart) {
      step({ type: 'reconsider' });
      round += 1;
      continue;
    }
    const { input: effective, keepRecord } = verdict === 'redirect' && redirected ? redirected : { input };
    return execute({
      guard,
      action,
      identity,
      call,
      decision: last,
      evaluated,
      asked,
      effective,
      options,
      keepRecord,
      step,
    });
  }
  return refuse(
    blocked(
      call,
      faultCause(
        'STALE',
        `this call was decided ${MAX_ROUNDS} times, and each time the switch had changed or its permit had run out before it could start`,
      ),
    ),
  );
}

type Prepared<T> =
  | { readonly value: T }
  | { readonly problem: string; readonly code: 'HANDLER_FAILED' | 'JOURNAL_UNAVAILABLE' };

async function redirect<Input, Result>(
  action: NormalisedAction<Input, Result>,
  input: Input,
  handling: Handling,
): Promise<Prepared<Input>> {
  const code = 'HANDLER_FAILED';
  const { redirect: handler } = action;
  if (!handler) return { problem: `${action.name} declares no safe destination (redirect) for test_mode`, code };
  const handled = await callHandler('its redirect handler', (context) => handler(input, context), handling);
  if ('problem' in handled) return { ...handled, code };
  if (handled.value === undefined || handled.value === null)
    return { problem: 'its redirect handler gave no input', code };
  try {
    return { value: await parseInput(action, handled.value, handling) };
  } catch (error) {
    return { problem: `its redirect handler gave an input that does not fit: ${messageOf(error)}`, code };
  }
}

async function draft<Input, Result>(
  action: NormalisedAction<Input, Result>,
  input: Input,
  decision: Decision,
  handling: Handling,
): Promise<Prepared<unknown>> {
  const { guard, call } = handling;
  const { draft: handler } = action;
  if (handler) {
    const handled = await callHandler('its draft handler', (context) => handler(input, context), handling);
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
