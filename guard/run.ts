import {
  type Checkpoint,
  type Decision,
  endedDecision,
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
import { checkKeys, checkType } from '../flags/options.ts';
import { findSecret } from './redact.ts';
import { subjectOf } from './subject.ts';
import { type Deciding, decideAndWait } from './wait.ts';

/** An open run. */
export interface Run extends ActingAs {
  readonly agentId: string | undefined;
  readonly missionId: string | undefined;
  readonly runId: string;
  /**
   * A plain string to hand to another process: `run({ …, lineage })` there makes its work a child of this run. It can
   * only add restrictions.
   */
  readonly lineage: string;
  /**
   * Fires, with the decision as its reason, the moment that this run may not even read any more; a pause does not fire
   * it. For plain loops, streams and `fetch`. It follows the switch while the run is open; a signal that is read for
   * the first time after that has fired already.
   */
  readonly signal: AbortSignal;
  /**
   * Tells the tripwires of this run and its agent (`kill-switch tripwire set NAME --on report:bounce_rate`) a number,
   * and returns at once. One that is above a limit, or `NaN`, stops what the tripwire says: the actions and checkpoints
   * that follow. Without a store nobody listens.
   * @throws KillSwitchError INVALID_ARGUMENT
   */
  report(name: string, value: number): void;
  /**
   * Saves where the run stands, then waits while the run is paused, and throws ActionStoppedError when it is stopped.
   * `state` is kept unchanged, as at most 64 KiB of JSON; a state with what looks like a secret is refused.
   * @throws ActionStoppedError, also when the state cannot be saved; KillSwitchError INVALID_ARGUMENT
   */
  checkpoint(name: string, state?: unknown, options?: CheckpointOptions): Promise<void>;
  /**
   * The last checkpoint that was saved under this run id, in this process or another; null when there is none.
   * @throws KillSwitchError STORE_UNREACHABLE
   */
  lastCheckpoint(): Promise<Pick<Checkpoint, 'name' | 'state' | 'at'> | null>;
}

/** How a checkpoint keeps the state that it is given. */
export interface CheckpointOptions {
  /** True: keep the state although something in it looks like a secret. Default false. */
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

/** Whether a run may go on is decided as a read: each action that it performs is decided on its own. */
const GOING_ON = { name: undefined, effect: 'read', surface: undefined } as const;

/**
 * A run that has ended is no longer watched, or every run would be watched for ever. A signal that is first read after
 * the end has fired already: nobody shall rely on a signal that cannot fire.
 */
const ENDED = faultCause(
  'CLOSED',
  'this run has ended, and its signal was not read before: read run.signal while the run is open, or open another run for work that goes on',
);

/** The members of the guard that a run uses. */
type RunGuard = Deciding &
  Pick<Guard, 'inFlight' | 'interventions' | 'organizationId' | 'replica' | 'tripwires' | 'turns'>;

export interface RunParts {
  readonly guard: RunGuard;
  readonly keeper: CheckpointKeeper | null;
  readonly identity: Identity & { readonly runId: string };
  readonly acting: ActingAs;
}

/**
 * An open run. `close` it when its work has ended, however; `forget` its checkpoint only where the work has returned,
 * because such a run is not resumed.
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
  // Without a store the first evaluation decides, a moment later, whether the run goes on. Until then its signal has
  // not fired, which allows nothing by itself.
  const lookedAt = new LookedAt(guard, subject, {
    evaluated: unasked(guard, subject),
    askedAt: performance.now(),
  });
  const now = (): Decision => lookedAt.look();

  /** Whether a checkpoint of this run may exist: it has saved or found one. */
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
        const stop = (decision: Decision): Abort | null =>
          signal.aborted ? null : () => controller?.abort(freezeDecision(endedDecision(decision, 'halted')));
        const first = ended ? blocked(subject, ENDED) : now();
        if (first.verdict === 'block') stop(first)?.();
        else unwatch = guard.inFlight.watch({ decision: first, look: now, refresh: () => lookedAt.refresh(), stop });
        if (!guard.replica && !ended) void guard.inFlight.refresh();
      }
      return controller.signal;
    },
    report(name, value) {
      const problem = idProblem(name);
      if (problem) throw invalid(`The name of a report ${problem}.`);
      if (typeof value !== 'number')
        throw invalid(`The value of the report ${name} is a number, not a ${typeof value}.`);
      guard.inFlight.reported(subject, name);
      guard.tripwires?.reported(subject, name, value);
    },
    async checkpoint(name, state = null, options = {}) {
      const { verbatim = false } = checkKeys('checkpoint', options, { verbatim: true });
      checkType('verbatim', verbatim, 'boolean');
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
      if (decision.verdict !== 'allow') throw halted(decision);
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
      if (kept) await keeper?.removeCheckpoint(runId).catch(() => {}); // the store bounds their number anyway
    },
  };
}

/**
 * A state with a secret is refused: it must come back unchanged, so nothing can be redacted, and the store keeps it in
 * plain text.
 */
function refuseSecrets(name: string, state: unknown): void {
  const secret = findSecret(state);
  if (!secret) return;
  throw invalid(
    `The state of the checkpoint ${quoteId(name)} holds what looks like ${secret.kind}, at ${quoteId(secret.path || 'the top')}, and the store would keep it in plain text. Keep the secret elsewhere and save only its name; if it is no secret, pass { verbatim: true } after the state.`,
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
      `The state of a checkpoint has at most ${MAX_CHECKPOINT_BYTES} bytes of JSON, not ${bytes}. Keep the data elsewhere and save only where it is.`,
    );
  }
  return JSON.parse(text);
}

const halted = (decision: Decision): ActionStoppedError =>
  new ActionStoppedError('blocked', endedDecision(decision, 'halted'));

/** A state that cannot be saved stops the run: it could not be resumed from there. */
async function save(keeper: CheckpointKeeper | null, checkpoint: Checkpoint, now: () => Decision): Promise<void> {
  if (!keeper) return; // without a store nothing is saved, and lastCheckpoint() returns null
  try {
    await keeper.saveCheckpoint(checkpoint);
  } catch (error) {
    if (isKillSwitchError(error) && error.code === 'INVALID_ARGUMENT') throw error;
    const decision = now();
    if (decision.verdict === 'block') throw halted(decision);
    const cause = faultCause('JOURNAL_UNAVAILABLE', `the checkpoint could not be saved: ${messageOf(error)}`);
    throw halted(blocked(decision, cause, decision));
  }
}
