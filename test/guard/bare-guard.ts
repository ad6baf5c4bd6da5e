import { AsyncLocalStorage } from 'node:async_hooks';
import type { ActionDefinition } from '../../index.ts';
import { type Fault, type Instant, type Mode, type Reading } from '../../flags/index.ts';
import type { CallOptions } from '../../guard/action.ts';
import { normaliseAction } from '../../guard/normalise-action.ts';
import { Changes } from '../../guard/changes.ts';
import { Deadlines } from '../../guard/evaluate.ts';
import type { Guard } from '../../guard/guard.ts';
import { childIdentity } from '../../guard/identity.ts';
import { InFlight } from '../../guard/in-flight.ts';
import { type InterventionSink, Interventions } from '../../guard/interventions.ts';
import { OwnJournal } from '../../guard/journal.ts';
import { ShadowRuns } from '../../guard/shadow-runs.ts';
import { OpenCalls } from '../../guard/open-calls.ts';
import type { Outcome } from '../../guard/outcome.ts';
import { perform } from '../../guard/perform.ts';
import { type Step, stepsFor } from '../../guard/steps/index.ts';
import type { Journal } from '../../store/capabilities/journal.ts';
import { memoryStore } from '../../store/memory/index.ts';
import type { ConfirmOutcome } from '../../store/replica.ts';

/** A switch whose mode a test sets by hand, in the middle of whatever is under way. */
export class HandSwitch {
  mode: Mode = 'live';
  closed = false;
  /** What its store says of limits. */
  readonly limits: Record<string, number> = {};
  readonly changes = new Changes();
  readonly inFlight = new InFlight(() => {});

  /** Something has changed: does what the switch itself does then. */
  changed(): void {
    this.inFlight.check();
    this.changes.notify();
  }

  reading(): Reading {
    return { mode: this.mode, cause: { kind: 'mode' }, epoch: 1 };
  }
}

const SCOPE = { organizationId: 'default', executorId: 'e', executorName: 'e', requestTimeoutMs: 1000 };
const NOW: Instant = { mono: 10_000, wall: 1_700_000_000_000 };

/** What the store confirms so that a permit is fresh, and so that it has run out when it comes. */
export const FRESH: ConfirmOutcome = { is: 'confirmed', sent: NOW };
export const TOO_OLD: ConfirmOutcome = { is: 'confirmed', sent: { mono: NOW.mono - 250, wall: NOW.wall - 250 } };

/** The parts of a guard that a test chooses; the rest has plain defaults. */
export interface BareParts {
  readonly hand: HandSwitch;
  readonly hasStore?: boolean;
  readonly agentId?: string | undefined;
  /** Called when the mode is asked for; returns it. */
  readonly evaluate?: () => Promise<Mode>;
  readonly sourceFault?: () => Fault | null;
  readonly limitClient?: Guard['limitClient'];
  readonly confirmNow?: () => Promise<ConfirmOutcome>;
  readonly turns?: Guard['turns'];
  readonly record?: InterventionSink['record'];
  readonly decided?: Guard['metrics']['decided'];
  /** What keeps the journal; default: a memory. */
  readonly journal?: Journal | null;
}

export function bareGuard({
  hand,
  hasStore = true,
  agentId = 'x',
  evaluate = async () => hand.mode,
  sourceFault = () => null,
  limitClient = null,
  confirmNow = async () => FRESH,
  turns = { beforeCall: () => null, beforeStart: () => null },
  record = async () => {},
  decided = () => {},
  journal = hasStore ? memoryStore().open(SCOPE).journal : null,
}: BareParts): Guard {
  const identity =
    agentId === ''
      ? undefined
      : childIdentity(undefined, { agentId, missionId: undefined, runId: undefined }, undefined);
  return {
    client: {
      async getStringDetails(flagKey) {
        const value = await evaluate();
        return { flagKey, value, variant: value, flagMetadata: {} };
      },
    },
    sourceFault,
    limitClient,
    reversing: null,
    deadlines: new Deadlines(),
    replica: hasStore
      ? { reading: () => hand.reading(), limit: (name) => hand.limits[name], confirmNow, clock: () => NOW, epoch: 1 }
      : null,
    journal: journal && new OwnJournal(journal, () => null),
    approving: null,
    spending: null,
    tripwires: null,
    organizationId: 'default',
    inFlight: hand.inFlight,
    calls: new OpenCalls(),
    changes: hand.changes,
    interventions: new Interventions({ executorId: 'e', executorName: 'e', record }),
    shadowRuns: new ShadowRuns(null),
    metrics: { decided, stopped() {}, close() {} },
    identity: () => identity,
    within: (_who, work) => work(),
    parent: () => identity,
    around: new AsyncLocalStorage(),
    preparing: new AsyncLocalStorage(),
    requireRun: false,
    isClosed: () => hand.closed,
    turns,
    leaseMs: 5000,
    handlerTimeoutMs: 1000,
  };
}

export interface BareCall<Input> extends CallOptions {
  readonly input: Input;
  /** Default: those of the action. */
  readonly steps?: (steps: readonly Step[]) => readonly Step[];
}

/** One attempt of an action. */
export function attemptOnce<Input, Result>(
  guard: Guard,
  definition: ActionDefinition<Input, Result>,
  { input, steps = (all) => all, waitMs = 0, ...options }: BareCall<Input>,
): Promise<Outcome<Result>> {
  const action = normaliseAction(definition);
  return perform({ guard, action, steps: steps(stepsFor(action, guard.replica !== null)) }, input, {
    ...options,
    waitMs,
  });
}
