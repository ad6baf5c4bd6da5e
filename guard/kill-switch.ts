import { randomUUID } from 'node:crypto';
import { type Decision, endedDecision, invalid, isCanary, quoteId } from '../flags/index.ts';
import { checkKeys, type Keys } from '../flags/options.ts';
import { actingAs, type Within } from './acting-as.ts';
import { type ActionDefinition, type CallOptions, type GuardedAction, readOptions } from './action.ts';
import { type CheckOptions, checkOf } from './check.ts';
import { ActionStoppedError } from './errors.ts';
import { evaluateMode } from './evaluate.ts';
import type { Guard } from './guard.ts';
import { checkId, childIdentity, type Identity, type IdentityStorage, parseLineage } from './identity.ts';
import { checkLimitClient } from './limit-flags.ts';
import { look } from './look.ts';
import { normaliseAction } from './normalise-action.ts';
import type { Outcome } from './outcome.ts';
import { type Performable, perform } from './perform.ts';
import type { Registry } from './registry.ts';
import type { AnyAction } from './reversal.ts';
import { type CheckpointKeeper, openRun, type Run } from './run.ts';
import { readContext } from './run-context.ts';
import { stepsFor } from './steps/index.ts';
import { subjectOf } from './subject.ts';
import { type OutcomeOptions, recordOutcomeOf } from './record-outcome.ts';
import type { ShadowSink } from './shadow-runs.ts';
import { type DatabaseTransaction, transaction } from './transaction.ts';

/** Who acts in a run. */
export interface RunOptions {
  /** Default: the parent run's, else that of the kill switch. */
  readonly agentId?: string | undefined;
  readonly missionId?: string | undefined;
  /** Default: a new id. */
  readonly runId?: string | undefined;
  /** The `run.lineage` of the run (in another process) that asked for this work. */
  readonly lineage?: string | undefined;
  /**
   * The application's own attributes (`{ account_id: 'acme' }`), which the conditions of rules and base modes see.
   * Plain data of at most 16,384 characters of JSON. Runs inside this one have them too, and may add others.
   */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
}

/** The outcome of one tick of a job: its result, or why it was skipped. */
export type JobOutcome<Result> =
  | { readonly status: 'ran'; readonly result: Result }
  | { readonly status: 'skipped'; readonly decision: Decision };

/** The application's side of the switch. */
export interface KillSwitch {
  /**
   * Guards one thing that an agent can do.
   * @throws KillSwitchError INVALID_ARGUMENT, also for another action of the same name
   */
  action<Input, Result>(definition: ActionDefinition<Input, Result>): GuardedAction<Input, Result>;
  /**
   * Opens a run and calls `work` in it. A run always opens: only actions and checkpoints are stopped. Runs that are
   * opened inside it are its children.
   * @throws KillSwitchError INVALID_ARGUMENT
   */
  run<Result>(options: RunOptions, work: (run: Run) => Result | Promise<Result>): Promise<Result>;
  /**
   * Returns a function for any scheduler. Each call of it opens a run; while the job is stopped or paused it is skipped
   * instead, and never queued.
   */
  job<Result>(options: RunOptions, work: (run: Run) => Result | Promise<Result>): () => Promise<JobOutcome<Result>>;
  /**
   * Records what a person then did, beside what a feature in shadow would have done. It counts once for each run of an
   * action, as it was recorded last, and changes no decision. Resolves when the store has it.
   * @throws KillSwitchError INVALID_ARGUMENT, STORE_UNREACHABLE, CLOSED; INVALID_STATE without a store
   */
  recordOutcome(options: OutcomeOptions): Promise<void>;
  /**
   * Calls `work` in a transaction of the application's database, which is committed only where `work` ends well and no
   * stop has come meanwhile, a pause included; otherwise it is rolled back. The switch is looked at in the very turn
   * that calls `commit`. A transaction is decided about as a write of its run, and begins and is committed only where
   * one is allowed; in the `execute` of a call that people or a rollback have let through, by that call while it runs.
   * @throws ActionStoppedError BLOCKED (it has not begun) or ABORTED (it was rolled back); what `begin`, `work`,
   * `commit` or `rollback` throws
   */
  transaction<Tx extends DatabaseTransaction, Result>(
    begin: () => Tx | Promise<Tx>,
    work: (tx: Tx, context: { readonly signal: AbortSignal }) => Result | Promise<Result>,
  ): Promise<Result>;
  /** Decides by the local copy: synchronous, no I/O. Without a store it blocks with `NO_LOCAL_STATE`. */
  check(options?: CheckOptions): Decision;
  /**
   * Blocks everything from now on and aborts work in flight; waits at most five seconds for it to end; signs this
   * executor off (not where work goes on: operators will see it as silent); then releases everything.
   */
  close(): Promise<void>;
  /** `close`, for `await using killSwitch = await createKillSwitch(…)`. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface KillSwitchParts {
  readonly guard: Guard;
  readonly storage: IdentityStorage;
  readonly registry: Registry;
  /** Gets every action that is defined, for rollbacks. */
  readonly actions: Map<string, AnyAction>;
  readonly checkpoints: CheckpointKeeper | null;
  readonly outcomes: ShadowSink | null;
  readonly close: () => Promise<void>;
}

/** A call without options. */
const AT_ONCE = { waitMs: 0 } as const;
const WITHOUT_END = { waitMs: Number.POSITIVE_INFINITY } as const;

/**
 * The terms that a tick is decided by: those of a read, because each action that the job performs is decided on its
 * own.
 */
const TICK = { name: undefined, effect: 'read', surface: 'schedule' } as const;

const RUN_KEYS: Keys<RunOptions> = {
  agentId: true,
  missionId: true,
  runId: true,
  lineage: true,
  context: ['attributes'],
};

/** The application's side of a switch, from the parts that `createKillSwitch` has wired. */
export function killSwitchOf(parts: KillSwitchParts): KillSwitch {
  const { guard, storage, registry, actions, checkpoints, outcomes, close } = parts;
  const guardedActions = new WeakSet<object>();
  const isOurs = (action: object): boolean => guardedActions.has(action);
  const runAs = async <Result>(mine: RunIdentity, work: (run: Run) => Result | Promise<Result>): Promise<Result> => {
    const within: Within = (inside) => storage.run(mine, inside);
    const opened = openRun({ guard, keeper: checkpoints, identity: mine, acting: actingAs(within, isOurs) });
    try {
      const result = await within(() => work(opened.run));
      await opened.forget(); // a run that has ended well is not resumed
      return result;
    } finally {
      opened.close();
    }
  };

  return {
    action<Input, Result>(definition: ActionDefinition<Input, Result>): GuardedAction<Input, Result> {
      const action = normaliseAction(definition);
      if (isCanary(action.name))
        throw invalid(`An action cannot be named ${quoteId(action.name)}: that is the drills' own. Name it otherwise.`);
      if (action.limits) checkLimitClient(action.name, guard.limitClient);
      const used = registry.register(action);
      if (action.journal) guard.journal?.prepare();
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a rollback gives it the input made for it
      actions.set(action.name, action as AnyAction);
      const performable: Performable<Input, Result> = {
        guard,
        action,
        steps: stepsFor(action, guard.replica !== null),
      };
      const attemptWith = async (input: Input, options: CallOptions): Promise<Outcome<Result>> =>
        perform(performable, input, readOptions(options, 0));
      const attempt = (input: Input, options?: CallOptions): Promise<Outcome<Result>> => {
        used();
        return options === undefined ? perform(performable, input, AT_ONCE) : attemptWith(input, options);
      };
      const resultOf = async (input: Input, options?: CallOptions): Promise<Result> => {
        used();
        const read = options === undefined ? WITHOUT_END : readOptions(options, WITHOUT_END.waitMs);
        const outcome = await perform(performable, input, read);
        if (outcome.status === 'executed' || outcome.status === 'redirected') return outcome.result;
        throw new ActionStoppedError(outcome.status, outcome.decision);
      };
      const guarded = Object.assign(resultOf, { attempt, definition });
      guardedActions.add(guarded);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- left out only where Input takes undefined
      return guarded as GuardedAction<Input, Result>;
    },

    async run(options, work) {
      checkWork('run', work);
      return runAs(identityFor(guard, options), work);
    },

    job<Result>(options: RunOptions, work: (run: Run) => Result | Promise<Result>): () => Promise<JobOutcome<Result>> {
      checkWork('job', work);
      identityFor(guard, options); // a wrong id is an error here, not at the first tick
      return async () => {
        const identity = identityFor(guard, options);
        const period = guard.calls.begin(); // until it is decided: the work is no call
        const { decision, ran } = await tick(identity).finally(() => guard.calls.end(period));
        if (ran) return { status: 'ran', result: await ran };
        return { status: 'skipped', decision: endedDecision(decision, 'skipped') };
      };

      /** Decides one tick, and begins the work where it may run. */
      async function tick(
        identity: RunIdentity,
      ): Promise<{ readonly decision: Decision; readonly ran: Promise<Result> | null }> {
        const subject = subjectOf(TICK, guard.organizationId, identity);
        let askedAt = performance.now();
        let evaluated = await evaluateMode(guard, subject, askedAt);
        for (let turn = guard.turns.beforeStart(); turn; turn = guard.turns.beforeStart()) {
          await turn;
          askedAt = performance.now();
          evaluated = await evaluateMode(guard, subject, askedAt);
        }
        const decision = look(guard, subject, evaluated); // in the same turn that calls the work
        const decidedMs = performance.now() - askedAt;
        const ran = decision.verdict === 'allow' ? runAs(identity, work) : null;
        guard.metrics.decided(decision, decidedMs);
        if (!ran) guard.interventions.add(decision, subject, { input: null, status: 'skipped', state: 'refused' });
        return { decision, ran };
      }
    },

    recordOutcome: recordOutcomeOf(outcomes, () => guard.isClosed()),
    transaction: (begin, work) => transaction(guard, begin, work),
    check: checkOf(guard),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function checkWork(what: string, work: unknown): void {
  if (typeof work !== 'function') throw invalid(`${what}() takes its work as a function, not ${quoteId(work)}.`);
}

type RunIdentity = Identity & { readonly runId: string };

/**
 * The identity of a run that is about to open. Each option is read once; inherited ones count.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
function identityFor(guard: Guard, options: RunOptions): RunIdentity {
  const { agentId, missionId, runId = randomUUID(), lineage, context } = checkKeys('run', options, RUN_KEYS);
  const own = {
    agentId: checkId('agentId', agentId),
    missionId: checkId('missionId', missionId),
    runId: checkId('runId', runId),
    context: readContext(context),
  };
  const handed = lineage === undefined ? undefined : parseLineage(lineage);
  return { ...childIdentity(guard.parent(), own, handed), runId: own.runId };
}
