import { AsyncLocalStorage } from 'node:async_hooks';
import type { ModeSource } from '../flags/mode-source.ts';
import { Approving } from './approvals.ts';
import { closingOnce } from './closing.ts';
import type { SwitchSettings } from './create-options.ts';
import { requestMs } from '../flags/lease.ts';
import { canaries } from './canary.ts';
import { Drills } from './drills.ts';
import { Deadlines } from './evaluate.ts';
import type { Executor } from './executor.ts';
import type { Guard } from './guard.ts';
import { childIdentity, createIdentityStorage, type Identity } from './identity.ts';
import { OwnJournal } from './journal.ts';
import type { Resolution } from './journal-answer.ts';
import { type AutonomyOf, Interventions } from './interventions.ts';
import { type KillSwitch, killSwitchOf } from './kill-switch.ts';
import { lookAgain } from './look-again.ts';
import { OpenCalls } from './open-calls.ts';
import { Outbox } from './outbox.ts';
import { OwnStops } from './own-stops.ts';
import type { AnyAction } from './reversal.ts';
import { Rollbacks } from './rollbacks.ts';
import { ShadowRuns } from './shadow-runs.ts';
import { Spending } from './spending.ts';
import { Tripwires } from './tripwires.ts';
import { createTurns } from './turn.ts';
import { watchElsewhere } from './watch-elsewhere.ts';

/** What an operator has said of an intent, as far as this process knows. */
function resolutionOf(replica: Executor['replica'], intent: string): Resolution | null {
  const said = replica?.state?.resolved.findLast((each) => each.intent === intent);
  return said ? (said.landed ? 'landed' : 'not_landed') : null;
}

/** Who asks people for this executor; null where its store cannot. */
function approvingOf({ replica, reports, approvals }: Executor, leaseMs: number): Approving | null {
  if (!replica || !reports || !approvals) return null;
  return new Approving({ replica, approvals, executorName: reports.executorName, confirmMs: requestMs(leaseMs) });
}

/** The settings that a guard uses. */
export type GuardSettings = Pick<
  SwitchSettings,
  'organizationId' | 'agentId' | 'requireRun' | 'leaseMs' | 'redact' | 'handlerTimeoutMs'
>;

export interface GuardParts {
  readonly settings: GuardSettings;
  readonly executor: Executor;
  readonly source: ModeSource;
}

/**
 * The application's side of a switch, over an executor and the client that is asked for the mode. Closing it closes
 * both.
 */
export function openGuard({ settings, executor, source }: GuardParts): KillSwitch {
  const { organizationId, agentId, requireRun, leaseMs, redact, handlerTimeoutMs } = settings;
  const { id, replica, reports, journal, ledger, stops, inFlight, changes, registry, metrics } = executor;
  const storage = createIdentityStorage();
  const byDefault =
    agentId === undefined
      ? undefined
      : childIdentity(undefined, { agentId, missionId: undefined, runId: undefined }, undefined);
  const identity = (): Identity | undefined => storage.getStore() ?? (requireRun ? undefined : byDefault);
  if (byDefault) inFlight.open(byDefault); // its agent may act at any time
  const autonomyOf: AutonomyOf = (action) => replica?.state?.autonomy.get(action)?.stage;
  const [outbox, stopOutbox] = [new Outbox(), new Outbox()];
  // One for stops alone: no settlement that the store does not take holds them up.
  const ownStops = replica && new OwnStops({ replica, stops, outbox: stopOutbox });
  const tripwires = replica && ownStops && new Tripwires({ replica, ownStops });
  const interventions = new Interventions(reports, redact, autonomyOf, (subject, type, status) =>
    tripwires?.intervened(subject, type, status === 'blocked'),
  );
  const ownJournal = journal && new OwnJournal(journal, ({ id }) => resolutionOf(replica, id));
  const calls = new OpenCalls();
  const { isClosed, close } = closingOnce();
  const guard: Guard = {
    client: source.client,
    sourceFault: source.fault,
    limitClient: source.limits,
    reversing: source.reversing,
    replica,
    journal: ownJournal,
    approving: approvingOf(executor, leaseMs),
    spending: replica && ownStops && new Spending({ replica, ledger, outbox, ownStops }),
    tripwires,
    organizationId,
    inFlight,
    calls,
    changes,
    interventions,
    shadowRuns: new ShadowRuns(reports, redact),
    metrics,
    identity,
    within: (who, work) => (identity() === who ? work() : storage.run(who, work)),
    parent: () => storage.getStore() ?? byDefault,
    around: new AsyncLocalStorage(),
    preparing: new AsyncLocalStorage(),
    requireRun,
    isClosed,
    turns: createTurns(() => performance.now()),
    deadlines: new Deadlines(),
    leaseMs,
    handlerTimeoutMs,
  };
  const actions = new Map<string, AnyAction>(canaries().map((action) => [action.name, action]));
  const rollbacks =
    replica && journal && ownJournal && id !== null
      ? new Rollbacks({ guard, actions, executorId: id, replica, own: ownJournal, journal })
      : null;
  const drills =
    replica && journal && ownJournal && id !== null ? new Drills({ guard, executorId: id, replica }) : null;
  const watching = [
    watchElsewhere({ source, executor, leaseMs }),
    lookAgain({ executor, sourceFault: source.fault, leaseMs }),
  ];
  return killSwitchOf({
    guard,
    storage,
    registry,
    actions,
    checkpoints: reports,
    outcomes: reports,
    close: () =>
      close({
        executor,
        source,
        calls,
        interventions,
        journal: ownJournal,
        outboxes: [stopOutbox, outbox],
        rollbacks,
        drills,
        stopWatching: () => watching.forEach((stop) => stop()),
      }),
  });
}
