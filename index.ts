import { OpenFeature, type Provider } from '@openfeature/server-sdk';
import { idProblem, invalid } from './flags/index.ts';
import type { ModeClient } from './guard/evaluate.ts';
import { checkId } from './guard/identity.ts';
import { InFlight } from './guard/in-flight.ts';
import { createGuard, type KillSwitch } from './guard/kill-switch.ts';
import { FailClosedHook } from './hooks/index.ts';
import { FailClosedProvider, KillSwitchProvider } from './provider/index.ts';
import type { ExecutorStore } from './store/ports.ts';
import { checkLeaseMs, Replica } from './store/replica.ts';

export type { Decision, Cause, FaultCode } from './flags/decision.ts';
export type { Effect, Mode, Verdict } from './flags/modes.ts';
export { isKillSwitchError, KillSwitchError } from './flags/errors.ts';
export type {
  ActionDefinition,
  CallOptions,
  ExecuteContext,
  GuardedAction,
  LimitDefinition,
  Surface,
} from './guard/action.ts';
export { ActionInputError, ActionStoppedError, isActionStoppedError } from './guard/errors.ts';
export type { CheckOptions, KillSwitch, Run, RunOptions } from './guard/kill-switch.ts';
export type { Outcome, OutcomeStatus } from './guard/outcome.ts';
export type { ExecutorStore } from './store/ports.ts';

/** Where the mode comes from: a store of this package; or any provider or client, with or without a store beside it. */
export interface CreateKillSwitchOptions {
  readonly store?: ExecutorStore | undefined;
  /** An OpenFeature provider that serves `kill-switch.mode`; it is made fail-closed. */
  readonly provider?: Provider | undefined;
  /** An OpenFeature client whose provider serves `kill-switch.mode`. */
  readonly client?: ModeClient | undefined;
  /** Identity of actions outside any run; absent: they are blocked. */
  readonly agentId?: string | undefined;
  /** Default `default`. */
  readonly organizationId?: string | undefined;
  /** The OpenFeature domain it lives on; the app's own default provider is left alone. Default `kill-switch`. */
  readonly domain?: string | undefined;
  /** Shown to operators; the id is generated. Default name: `executor`. */
  readonly executor?: { readonly name: string } | undefined;
  /** How long a state may be trusted without a confirmation, in milliseconds; 500 to 60000, default 5000. */
  readonly leaseMs?: number | undefined;
}

/**
 * Wires the switch into an application: sets the provider on its domain, adds the fail-closed hook to the OpenFeature API, registers
 * this executor and starts reporting. An unreachable store is `full_stop`, not a crash: it rejects only on wrong options.
 *
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export async function createKillSwitch(options: CreateKillSwitchOptions): Promise<KillSwitch> {
  const { store, provider, domain = 'kill-switch', organizationId = 'default' } = options;
  const leaseMs = checkLeaseMs(options.leaseMs ?? 5000);
  checkId('agentId', options.agentId);
  checkId('executor.name', options.executor?.name);
  checkId('domain', domain);
  const problem = idProblem(organizationId);
  if (problem) throw invalid(`organizationId ${problem}.`);
  if (provider && options.client) throw invalid('Give createKillSwitch a provider or a client, not both.');
  if (!store && !provider && !options.client) {
    throw invalid(
      'createKillSwitch needs a store, for instance redisStore({ url }), or a provider or client that serves kill-switch.mode.',
    );
  }
  const bound = OpenFeature.getProvider(domain);
  if (!options.client && bound instanceof KillSwitchProvider && bound !== OpenFeature.getProvider() && !bound.closed) {
    throw invalid(
      `The domain ${JSON.stringify(domain)} has an open kill switch already: close it first, or give this one another domain.`,
    );
  }

  let replica: Replica | null = null;
  const inFlight = new InFlight(() => replica?.report());
  if (store) {
    replica = new Replica({
      store,
      organizationId,
      leaseMs,
      executorName: options.executor?.name,
      work: () => inFlight.work,
    });
    await replica.start();
  }
  if (!OpenFeature.getHooks().some((hook) => hook instanceof FailClosedHook))
    OpenFeature.addHooks(new FailClosedHook());
  if (!options.client) {
    const served = provider
      ? new FailClosedProvider(provider)
      : new KillSwitchProvider({ replica: replica as Replica });
    try {
      await OpenFeature.setProviderAndWait(domain, served);
    } catch {
      // A provider that cannot start is NOT_READY or ERROR, and both are full_stop; it may still recover by itself.
    }
  }
  return createGuard({
    client: options.client ?? OpenFeature.getClient(domain),
    replica,
    inFlight,
    organizationId,
    agentId: options.agentId,
    close: async () => {
      await replica?.close();
    },
  });
}
