import { randomUUID } from 'node:crypto';
import { type Decision, type Effect, faultReading, messageOf, type Reading, type Verdict } from '../flags/index.ts';
import type { Replica } from '../store/replica.ts';
import { type CallOptions, type ExecuteContext, type NormalisedAction, parseInput } from './action.ts';
import { type Attempt, type AttemptEvent, transition } from './attempt-state.ts';
import { type Changes, nextChange } from './changes.ts';
import { blocked, type DecidedCall, decide, faultCause } from './decide.ts';
import { type Deadlines, evaluateMode, type ModeClient } from './evaluate.ts';
import { callHandler } from './handlers.ts';
import type { Identity } from './identity.ts';
import type { InFlight, Watched } from './in-flight.ts';
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
  readonly deadlines: Deadlines;
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

/** A decision, and what was evaluated for it. */
interface Decided {
  readonly decision: Decision;
  readonly evaluated: Reading;
}

interface Waiting {
  readonly until: number;
  readonly signal?: AbortSignal | undefined;
  readonly onWait: (decision: Decision) => void;
}

async function decideOnce(guard: Guard, call: DecidedCall): Promise<Decided> {
  const since = performance.now();
  const evaluated = await evaluateMode(guard.client, call, guard.deadlines);
  const decision = look(guard, call, evaluated);
  guard.metrics.decided(decision, performance.now() - since);
  return { decision, evaluated };
}

/** Waits while the switch says `pause`, and decides again from the start when something has changed: the one waiting loop. Ends with another verdict, or with `pause` when the wait is over. */
async function waitFor(
  guard: Guard,
  call: DecidedCall,
  first: Decided,
  { until, signal, onWait }: Waiting,
): Promise<Decided> {
  const isOver = (): boolean => performance.now() >= until || signal?.aborted === true || guard.isClosed();
  for (let decided = first; ; decided = await decideOnce(guard, call)) {
    if (decided.decision.verdict !== 'pause') return decided;
    onWait(decided.decision);
    do {
      if (isOver()) return decided;
      const most = guard.replica ? Number.POSITIVE_INFINITY : POLL_MS;
      await nextChange(guard.changes, Math.min(most, until - performance.now()), signal);
      // A change of something else costs one local look, not an evaluation.
    } while (guard.replica && look(guard, call, guard.replica.reading(call)).verdict === 'pause');
  }
}

/** Decides from the start, and waits while the switch says `pause`. */
export async function decideAndWait(guard: Guard, call: DecidedCall, waiting: Waiting): Promise<Decided> {
  const decided = await decideOnce(guard, call);
  return decided.decision.verdict === 'pause' ? waitFor(guard, call, decided, waiting) : decided;
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
  const waiting: Waiting = { until, signal: options.signal, onWait };
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    let decided = await decideOnce(guard, call);
    if (decided.decision.verdict === 'pause') decided = await waitFor(guard, call, decided, waiting);
    const { decision, evaluated } = decided;
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
      seen.evaluated = await evaluateMode(guard.client, call, guard.deadlines);
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
    return execute({
      guard,
      action,
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
function execute<Input, Result>(execution: Execution<Input, Result>): Outcome<Result> | Promise<Outcome<Result>> {
  const { guard, action, call, verdict, last, again, refresh, input, effective, options, step } = execution;
  const context = new StartedCall(options);
  const watched: Watched = {
    decision: last,
    look: again,
    refresh,
    stop(stoppedBy) {
      if (step({ type: 'stop', decision: stoppedBy }).is !== 'stopping') return false;
      return context.stop(stoppedBy);
    },
  };
  const end = (event: AttemptEvent): Attempt => {
    guard.inFlight.end(watched);
    context.release();
    return step(event);
  };
  const landed = (result: Result): Outcome<Result> => {
    const ended = end({ type: 'land' });
    if (ended.is === 'landed' && ended.stoppedBy) return aborted(execution, ended.stoppedBy, 'landed');
    return { status: verdict === 'redirect' ? 'redirected' : 'executed', decision: last, result };
  };
  const failed = (error: unknown): Outcome<Result> => {
    const ended = end({ type: 'fail', error });
    if (ended.is === 'unknown') return aborted(execution, ended.stoppedBy, 'unknown');
    throw error;
  };
  step({ type: 'start' });
  guard.inFlight.start(watched);
  if (verdict === 'redirect') {
    const circumstances = { input: effective, original: input, status: 'redirected', state: 'executing' };
    guard.interventions.add(last, call, circumstances);
  }
  // Called here, in the turn of the last look; only its end is awaited.
  let running: Result | Promise<Result>;
  try {
    running = action.execute(effective, context);
  } catch (error) {
    return failed(error);
  }
  return isThenable(running) ? Promise.resolve(running).then(landed, failed) : landed(running);
}

const isThenable = <T>(value: T | Promise<T>): value is Promise<T> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';

/** What ended after it was told to stop is never a success that nobody saw; only what cannot change anything is known not to have landed. */
function aborted<Input, Result>(
  { guard, action, call, effective }: Execution<Input, Result>,
  stoppedBy: Decision,
  state: 'landed' | 'unknown',
): Outcome<Result> {
  guard.interventions.add(stoppedBy, call, { input: effective, status: 'aborted', state });
  return { status: 'aborted', decision: stoppedBy, landed: action.effect === 'write' ? 'unknown' : 'no' };
}

/** What `execute` is given. Its signal and its key are made only when somebody looks at them: most actions never do. */
class StartedCall implements ExecuteContext {
  readonly #outer: AbortSignal | undefined;
  #controller: AbortController | undefined;
  #stoppedBy: Decision | undefined;
  #key: string | undefined;

  constructor({ signal, idempotencyKey }: CallOptions) {
    this.#outer = signal;
    this.#key = idempotencyKey;
  }

  get idempotencyKey(): string {
    this.#key ??= randomUUID();
    return this.#key;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#stoppedBy) this.#controller.abort(this.#stoppedBy);
      else if (this.#outer?.aborted) this.#onOuter();
      else this.#outer?.addEventListener('abort', this.#onOuter, { once: true });
    }
    return this.#controller.signal;
  }

  /** False when it had been told before. */
  stop(decision: Decision): boolean {
    if (this.#stoppedBy) return false;
    this.#stoppedBy = decision;
    this.#controller?.abort(decision);
    return true;
  }

  release(): void {
    this.#outer?.removeEventListener('abort', this.#onOuter);
  }

  readonly #onOuter = (): void => this.#controller?.abort(this.#outer?.reason);
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
