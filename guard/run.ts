import {
  type Checkpoint,
  type Decision,
  freezeDecision,
  idProblem,
  invalid,
  isKillSwitchError,
  messageOf,
  quoteId,
} from '../flags/index.ts';
import type { ActingAs } from './acting-as.ts';
import { blocked, faultCause } from './decide.ts';
import { ActionStoppedError } from './errors.ts';
import { formatLineage, type Identity } from './identity.ts';
import type { Guard } from './guard.ts';
import type { Abort } from './in-flight.ts';
import { unasked } from './look.ts';
import { LookedAt } from './looked-at.ts';
import { checkKeys } from '../flags/options.ts';
import { findSecret } from './redact.ts';
import { subjectOf } from './subject.ts';
import { type Deciding, decideAndWait } from './wait.ts';

/** An open run. */
export interface Run extends ActingAs {
  readonly agentId: string | undefined;
  readonly missionId: string | undefined;
  readonly runId: string;
  /**
   * A plain string for other processes: `run({ …, lineage })` there makes their work a child of this run. It can only
   * add restrictions.
   */
  readonly lineage: string;
  /**
   * Fires, with the decision as its reason, the moment that this run may not even read any more; not for a pause. For
   * plain loops, streams and `fetch`. It is watched while the run is open; read for the first time after that, it has
   * fired.
   */
  readonly signal: AbortSignal;
  /**
   * Saves where the run stands, then returns at once when it may go on, waits while it is paused, and throws
   * ActionStoppedError when it is stopped. `state` is kept as JSON, at most 64 KiB, as it is; one that holds what looks
   * like a secret is refused.
   * @throws ActionStoppedError, also when the state cannot be saved; KillSwitchError INVALID_ARGUMENT
   */
  checkpoint(name: string, state?: unknown, options?: CheckpointOptions): Promise<void>;
  /**
   * What the last checkpoint of this run id saved, also in another process; null when there is none.
   * @throws KillSwitchError STORE_UNREACHABLE
   */
  lastCheckpoint(): Promise<Pick<Checkpoint, 'name' | 'state' | 'at'> | null>;
}

export interface CheckpointOptions {
  /** True: the state is kept though it holds what looks like a secret, because it is none. Default false. */
  readonly verbatim?: boolean | undefined;
}

/** Where checkpoints are kept. */
export interface CheckpointKeeper {
  saveCheckpoint(checkpoint: Checkpoint): Promise<void>;
  lastCheckpoint(runId: string): Promise<Checkpoint | null>;
  removeCheckpoint(runId: string): Promise<void>;
}

/** The longest state of a checkpoint, in bytes of JSON. */
const MAX_CHECKPOINT_BYTES = 65_536;

/** A run asks whether it may go on as somebody who reads: whatever it does beyond that is an action's own decision. */
const GOING_ON = { name: undefined, effect: 'read', surface: undefined } as const;

/**
 * Nobody watches for a run that has ended, or each would be watched for ever: a signal that it is asked for only then
 * has fired, so that nothing relies on one that never would.
 */
const ENDED = faultCause(
  'CLOSED',
  'this run has ended, and its signal was not read before: read run.signal while the run is open, or open a run of its own for what goes on',
);

/** What of the guard a run needs. */
type RunGuard = Deciding & Pick<Guard, 'inFlight' | 'interventions' | 'organizationId' | 'replica' | 'turns'>;

export interface RunParts {
  readonly guard: RunGuard;
  readonly keeper: CheckpointKeeper | null;
  readonly identity: Identity & { readonly runId: string };
  readonly acting: ActingAs;
}

/**
 * A run that has been opened: `close` it whatever became of its work; `forget` its checkpoint where that has returned,
 * since it is not resumed.
 */
export interface OpenedRun {
  readonly run: Run;
  readonly close: () => void;
  readonly forget: () => Promise<void>;
}

export function openRun({ guard, keeper, identity, acting }: RunParts): OpenedRun {
  const { agentId, missionId, runId } = identity;
  const subject = subjectOf(GOING_ON, guard.organizationId, identity);
  let controller: AbortController | undefined;
  let unwatch: (() => void) | undefined;
  let ended = false;
  const leave = guard.inFlight.open(identity);
  // Without a store the first evaluation says whether the run goes on, in a moment: a signal that has not fired allows
  // nothing by itself.
  const lookedAt = new LookedAt(guard, subject, {
    evaluated: unasked(guard, subject),
    asked: performance.now(),
  });
  const now = (): Decision => lookedAt.look();

  /** Whether there may be a checkpoint of this run: it saved one, or found one. */
  let kept = false;

  const run: Run = {
    ...acting,
    agentId,
    missionId,
    runId,
    lineage: formatLineage(identity),
    get signal() {
      if (!controller) {
        controller = new AbortController();
        const { signal } = controller;
        const stop = (decision: Decision): Abort | null => (signal.aborted ? null : () => controller?.abort(decision));
        const first = ended ? blocked(subject, ENDED) : now();
        if (first.verdict === 'block') stop(freezeDecision(first))?.();
        else unwatch = guard.inFlight.watch({ decision: first, look: now, refresh: () => lookedAt.refresh(), stop });
        if (!guard.replica && !ended) void guard.inFlight.refresh();
      }
      return controller.signal;
    },
    async checkpoint(name, state = null, options = {}) {
      checkKeys('checkpoint', options, { verbatim: true });
      const { verbatim = false } = options;
      const problem = idProblem(name);
      if (problem) throw invalid(`The name of a checkpoint ${problem}.`);
      const json = toJson(state);
      if (verbatim !== true) refuseSecrets(name, json);
      kept = true;
      await save(
        keeper,
        { run_id: runId, name, state: json, at: new Date().toISOString(), epoch: guard.replica?.epoch ?? 0 },
        () => now(),
      );
      const turn = guard.turns.beforeCall();
      if (turn) await turn;
      const onWait = (decision: Decision): void =>
        guard.interventions.add(
          decision,
          { ...subject, action: `checkpoint:${name}` },
          { input: null, status: 'paused', state: 'waiting' },
        );
      const decision = await decideAndWait(guard, subject, onWait);
      if (decision.verdict !== 'allow') throw new ActionStoppedError('blocked', decision);
    },
    async lastCheckpoint() {
      const last = keeper ? await keeper.lastCheckpoint(runId) : null;
      kept ||= last !== null;
      return last && { name: last.name, state: last.state, at: last.at };
    },
  };
  return {
    run,
    close() {
      ended = true;
      unwatch?.();
      leave();
    },
    async forget() {
      if (kept) await keeper?.removeCheckpoint(runId).catch(() => {}); // it is bounded all the same
    },
  };
}

/**
 * What a run saves must come back unchanged, so a secret cannot be taken out of it; and it would lie in the store in
 * clear.
 */
function refuseSecrets(name: string, state: unknown): void {
  const secret = findSecret(state);
  if (!secret) return;
  throw invalid(
    `The state of the checkpoint ${quoteId(name)} holds what looks like ${secret.kind}, at ${quoteId(secret.path || 'the top')}, and would be kept in the store in clear. Keep it elsewhere, and its name here; if it is no secret, pass { verbatim: true } after the state.`,
  );
}

function toJson(state: unknown): unknown {
  let text: string | undefined;
  try {
    text = JSON.stringify(state);
  } catch (error) {
    throw invalid(`The state of a checkpoint must be JSON: ${messageOf(error)}`);
  }
  if (text === undefined) throw invalid('The state of a checkpoint must be JSON.');
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_CHECKPOINT_BYTES) {
    throw invalid(
      `The state of a checkpoint has at most ${MAX_CHECKPOINT_BYTES} bytes of JSON, not ${bytes}. Keep the data elsewhere, and its place here.`,
    );
  }
  return JSON.parse(text);
}

/** A state that cannot be saved stops the run: what goes on from there could not be resumed. */
async function save(keeper: CheckpointKeeper | null, checkpoint: Checkpoint, now: () => Decision): Promise<void> {
  if (!keeper) return; // without a store there is nothing to resume from, and lastCheckpoint() says so
  try {
    await keeper.saveCheckpoint(checkpoint);
  } catch (error) {
    if (isKillSwitchError(error) && error.code === 'INVALID_ARGUMENT') throw error;
    const decision = now();
    if (decision.verdict === 'block') throw new ActionStoppedError('blocked', decision);
    const cause = faultCause('JOURNAL_UNAVAILABLE', `the checkpoint could not be saved: ${messageOf(error)}`);
    throw new ActionStoppedError('blocked', blocked(decision, cause, decision));
  }
}
