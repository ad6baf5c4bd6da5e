import { randomUUID } from 'node:crypto';
import { type Call, type Decision, type Effect, faultReading, isEffect } from '../flags/index.ts';
import type { Replica } from '../store/replica.ts';
import { type ActionDefinition, type CallOptions, type GuardedAction, normaliseAction } from './action.ts';
import { blocked, type DecidedCall, decide } from './decide.ts';
import { ActionStoppedError } from './errors.ts';
import type { ModeClient } from './evaluate.ts';
import {
  checkId,
  childIdentity,
  createIdentityStorage,
  formatLineage,
  type Identity,
  identityOfCall,
  parseLineage,
} from './identity.ts';
import { InFlight } from './in-flight.ts';
import type { Outcome } from './outcome.ts';
import { type Guard, perform } from './perform.ts';

/** Who works in a run. */
export interface RunOptions {
  /** Default: the parent run's, else the kill switch's own. */
  readonly agentId?: string | undefined;
  readonly missionId?: string | undefined;
  /** Default: a new id. */
  readonly runId?: string | undefined;
  /** The `run.lineage` of the run in another process that asked for this work. */
  readonly lineage?: string | undefined;
}

/** An open run. */
export interface Run {
  readonly agentId: string | undefined;
  readonly missionId: string | undefined;
  readonly runId: string;
  /** A plain string for other processes: `run({ …, lineage })` there makes their work a child of this run. It can only add restrictions. */
  readonly lineage: string;
}

/** What `check` is asked about; what is left out is taken from the run that it is called in. */
export interface CheckOptions {
  readonly agentId?: string | undefined;
  readonly missionId?: string | undefined;
  readonly runId?: string | undefined;
  readonly action?: string | undefined;
  /** Default `write`. */
  readonly effect?: Effect | undefined;
  readonly surface?: string | undefined;
  readonly feature?: string | undefined;
}

/** The application's side of the switch. */
export interface KillSwitch {
  /** Guards one thing that an agent can do. @throws KillSwitchError INVALID_ARGUMENT */
  action<Input, Result>(definition: ActionDefinition<Input, Result>): GuardedAction<Input, Result>;
  /** Opens a run and calls `work` in it; it always opens: only actions stop. Runs inside it are its children. @throws KillSwitchError INVALID_ARGUMENT */
  run<Result>(options: RunOptions, work: (run: Run) => Result | Promise<Result>): Promise<Result>;
  /** What the local copy says now: synchronous, no I/O. `NO_LOCAL_STATE` blocks where there is no store. */
  check(options?: CheckOptions): Decision;
  /** Reports that this executor is gone, and releases everything; whatever is asked afterwards is blocked. */
  close(): Promise<void>;
}

export interface GuardOptions {
  readonly client: ModeClient;
  readonly replica: Replica | null;
  readonly inFlight: InFlight;
  readonly organizationId: string;
  readonly agentId: string | undefined;
  readonly close: () => Promise<void>;
}

const NO_STATE = faultReading(
  'NO_LOCAL_STATE',
  'there is no store here, so the switch can only be asked by an evaluation',
);

/** The guard over one client and one local copy. */
export function createGuard({ client, replica, inFlight, organizationId, agentId, close }: GuardOptions): KillSwitch {
  const storage = createIdentityStorage();
  const byDefault: Identity | undefined =
    agentId === undefined
      ? undefined
      : childIdentity(undefined, { agentId, missionId: undefined, runId: undefined }, undefined);
  const identity = (): Identity | undefined => storage.getStore() ?? byDefault;
  const guard: Guard = { client, replica, organizationId, inFlight, identity };

  return {
    action<Input, Result>(definition: ActionDefinition<Input, Result>): GuardedAction<Input, Result> {
      const action = normaliseAction(definition);
      const attempt = (input: Input, options: CallOptions = {}): Promise<Outcome<Result>> =>
        perform(guard, action, input, { waitMs: 0, ...options });
      const call = async (input: Input, options: CallOptions = {}): Promise<Result> => {
        const outcome = await perform(guard, action, input, options);
        if (outcome.status === 'executed' || outcome.status === 'redirected') return outcome.result;
        throw new ActionStoppedError(outcome.status, outcome.decision);
      };
      return Object.assign(call, { attempt, definition });
    },

    async run<Result>(options: RunOptions, work: (run: Run) => Result | Promise<Result>): Promise<Result> {
      const runId = checkId('runId', options.runId) ?? randomUUID();
      const own = {
        agentId: checkId('agentId', options.agentId),
        missionId: checkId('missionId', options.missionId),
        runId,
      };
      const handed = options.lineage === undefined ? undefined : parseLineage(options.lineage);
      const mine = childIdentity(identity(), own, handed);
      const run: Run = { agentId: mine.agentId, missionId: mine.missionId, runId, lineage: formatLineage(mine) };
      const release = inFlight.open(mine);
      try {
        return await storage.run(mine, () => work(run));
      } finally {
        release();
      }
    },

    check(options: CheckOptions = {}): Decision {
      const from = identity();
      const call = checkedCall(organizationId, options, from);
      if (!isName(call.agentId)) {
        const message = 'check() was asked about nobody: name an agentId, or call it inside a run';
        return blocked(call, { kind: 'identity', message });
      }
      for (const key of OPTIONAL_NAMES) {
        if (call[key] !== undefined && !isName(call[key])) {
          return blocked(call, { kind: 'identity', message: `${key} must be a non-empty string` });
        }
      }
      return decide([replica ? replica.reading(call) : NO_STATE], call);
    },

    close,
  };
}

const OPTIONAL_NAMES = ['missionId', 'runId', 'action', 'surface', 'feature'] as const;

const isName = (value: unknown): boolean => typeof value === 'string' && value !== '';

/** An effect that is not known counts as `write`, the strictest. */
function checkedCall(organizationId: string, options: CheckOptions, from: Identity | undefined): DecidedCall {
  const named: Call = {
    organizationId,
    agentId: options.agentId ?? from?.agentId,
    missionId: options.missionId ?? from?.missionId,
    runId: options.runId ?? from?.runId,
    action: options.action,
    surface: options.surface,
    feature: options.feature,
  };
  const effect: Effect = isEffect(options.effect) ? options.effect : 'write';
  if (!from) return { ...named, effect };
  const { lineageAgents, lineageMissions, lineageRuns } = identityOfCall(from);
  return { ...named, effect, lineageAgents, lineageMissions, lineageRuns };
}
