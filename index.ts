import { OpenFeature, type Provider, ProviderEvents } from '@openfeature/server-sdk';
import { checkLeaseMs, checkTimeout, idProblem, invalid, LONGEST_TIMER_MS, quoteId } from './flags/index.ts';
import { Changes } from './guard/changes.ts';
import { Deadlines, type ModeClient } from './guard/evaluate.ts';
import { HANDLER_TIMEOUT_MS } from './guard/handlers.ts';
import { checkId, childIdentity, createIdentityStorage, type Identity } from './guard/identity.ts';
import { InFlight } from './guard/in-flight.ts';
import { type InterventionSink, Interventions, type RedactInput } from './guard/interventions.ts';
import { type KillSwitch, killSwitchOf } from './guard/kill-switch.ts';
import { createMetrics } from './guard/metrics.ts';
import { checkKeys, type Keys } from './flags/options.ts';
import type { Guard } from './guard/guard.ts';
import { tryWebStreams } from './guard/ongoing/index.ts';
import { POLL_MS } from './guard/wait.ts';
import { Registry } from './guard/registry.ts';
import { createTurns } from './guard/turn.ts';
import { addFailClosedHook, spareHooks } from './hooks/fail-closed.ts';
import { checkDomainIsFree, serveOn, type SwitchDomain } from './provider/switch-domain.ts';
import type { ExecutorStore } from './store/ports.ts';
import { VERSION } from './store/own-beat.ts';
import { Replica } from './store/replica.ts';
import { within } from './store/with-deadline.ts';

export type { Cause } from './flags/causes.ts';
export type { Decision } from './flags/decision.ts';
export type { FaultCode } from './flags/faults.ts';
export { isKillSwitchError, KillSwitchError } from './flags/errors.ts';
export type { Effect, Mode, Verdict } from './flags/modes.ts';
export type {
  ActionDefinition,
  CallOptions,
  ExecuteContext,
  HandlerContext,
  GuardedAction,
  LimitDefinition,
  Surface,
} from './guard/action.ts';
export { ActionInputError, ActionResultError, ActionStoppedError, isActionStoppedError } from './guard/errors.ts';
export type { RedactInput } from './guard/interventions.ts';
export type { CheckOptions, JobOutcome, KillSwitch, RunOptions } from './guard/kill-switch.ts';
export type { Outcome, OutcomeStatus } from './guard/outcome.ts';
export type { CheckpointOptions, Run } from './guard/run.ts';
export type { ExecutorStore } from './store/ports.ts';

/** Where the mode comes from: a store of this package; or any provider or client, with or without a store beside it. */
export interface CreateKillSwitchOptions {
  readonly store?: ExecutorStore | undefined;
  /** An OpenFeature provider that serves `kill-switch.mode`; it is made fail-closed. */
  readonly provider?: Provider | undefined;
  /** An OpenFeature client whose provider serves `kill-switch.mode`. */
  readonly client?: ModeClient | undefined;
  /** Identity of actions outside any run, and of runs that name none; absent: such actions are blocked. */
  readonly agentId?: string | undefined;
  /**
   * True: an action outside every run is blocked, also where there is an `agentId`. Without it a callback that a pool, an emitter or a timer calls outside
   * its run acts as `agentId`, though its run's own agent may have been killed. Default false.
   */
  readonly requireRun?: boolean | undefined;
  /** Default `default`. */
  readonly organizationId?: string | undefined;
  /** The OpenFeature domain it lives on; the app's own default provider is left alone. Default `kill-switch`. */
  readonly domain?: string | undefined;
  /** Shown to operators; the id is generated. Default name: `executor`. */
  readonly executor?: { readonly name: string } | undefined;
  /** How long a state may be trusted without a confirmation, in milliseconds; 500 to 60000, default 5000. */
  readonly leaseMs?: number | undefined;
  /** Your own redaction of recorded inputs, applied to what is left after secrets were taken out by key and by value. It is synchronous: one that throws, or returns a promise, leaves nothing to record. */
  readonly redact?: RedactInput | undefined;
  /** How long your `redirect` and `draft` handlers and an `inputSchema` may take, in milliseconds; then the call is blocked. At most 2147483647, default 10000. */
  readonly handlerTimeoutMs?: number | undefined;
}

const OPTION_KEYS: Keys<CreateKillSwitchOptions> = {
  store: true,
  provider: true,
  client: true,
  agentId: true,
  requireRun: true,
  organizationId: true,
  domain: true,
  executor: true,
  leaseMs: true,
  redact: true,
  handlerTimeoutMs: true,
};

/** So long `close` waits for work that it has told to stop, in milliseconds, and reports it as draining. */
const CLOSING_MS = 5000;

/**
 * Wires the switch into an application: sets the provider on its domain, adds the fail-closed hook to the OpenFeature API, registers
 * this executor and starts reporting. An unreachable store is `full_stop`, not a crash: it rejects only on wrong options.
 *
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export async function createKillSwitch(options: CreateKillSwitchOptions): Promise<KillSwitch> {
  checkKeys('createKillSwitch', options, OPTION_KEYS);
  const { store, provider, client, domain = 'kill-switch', organizationId = 'default', requireRun = false } = options;
  const leaseMs = checkLeaseMs(options.leaseMs ?? 5000);
  const handlerTimeoutMs = options.handlerTimeoutMs ?? HANDLER_TIMEOUT_MS;
  checkTimeout('handlerTimeoutMs', handlerTimeoutMs, LONGEST_TIMER_MS);
  checkOptions(options, domain, organizationId);
  // Before anything is awaited: whoever asks on this domain meanwhile would get a default of their own.
  addFailClosedHook(OpenFeature);

  const changes = new Changes();
  const registry = new Registry(() => replica?.report());
  let replica: Replica | null = null;
  const inFlight = new InFlight(() => replica?.report());
  const metrics = createMetrics(VERSION, {
    epoch: () => replica?.epoch ?? 0,
    stalenessMs: () => replica?.stalenessMs() ?? null,
    inFlight: () => inFlight.count,
  });
  if (store) {
    const executorName = options.executor?.name;
    replica = new Replica({
      store,
      organizationId,
      leaseMs,
      executorName,
      work: () => inFlight.work,
      surfaces: () => registry.take(),
    });
    // First of all listeners: whoever runs is told before anybody is woken who waits.
    replica.on((event) => {
      const told = inFlight.check();
      changes.notify();
      if (told > 0 && event.type === 'changed' && event.at !== null) metrics.stopped(Date.now() - Date.parse(event.at));
    });
  }
  // Before anything is awaited, too: of two switches that are created at once the second finds the domain taken.
  const served = client
    ? null
    : serveOn(domain, provider ? { provider } : { replica: replica as Replica }, spareHooks(OpenFeature));
  await Promise.all([replica?.start(), served?.initialised, tryWebStreams()]);
  const stopWatching =
    provider || client ? watchElsewhere({ ...options, leaseMs }, domain, inFlight, changes) : () => {};

  let closed = false;
  let closing: Promise<void> | null = null;
  const storage = createIdentityStorage();
  const byDefault: Identity | undefined =
    options.agentId === undefined
      ? undefined
      : childIdentity(undefined, { agentId: options.agentId, missionId: undefined, runId: undefined }, undefined);
  const identity = (): Identity | undefined => storage.getStore() ?? (requireRun ? undefined : byDefault);
  const interventions = new Interventions(replica && sinkOf(replica), options.redact);
  const guard: Guard = {
    client: client ?? (served as SwitchDomain).client,
    sourceFault: served?.fault ?? (() => null),
    replica,
    organizationId,
    inFlight,
    changes,
    interventions,
    metrics,
    identity,
    within: (who, work) => (identity() === who ? work() : storage.run(who, work)),
    parent: () => storage.getStore() ?? byDefault,
    requireRun,
    isClosed: () => closed,
    turns: createTurns(() => performance.now()),
    deadlines: new Deadlines(),
    leaseMs,
    handlerTimeoutMs,
  };
  const close = async (): Promise<void> => {
    closed = true;
    inFlight.check(); // in the very turn from which nothing starts any more
    changes.notify();
    replica?.report();
    stopWatching();
    const ended = within(inFlight.idle(), CLOSING_MS, () => new Error('late'));
    const clean = await ended.then(
      () => true,
      () => false,
    );
    metrics.close();
    await interventions.close();
    // Whose work goes on does not leave the count: operators will see it as silent, which is what it is.
    await replica?.close({ leave: clean });
    await served?.close();
  };
  return killSwitchOf({
    guard,
    storage,
    registry,
    checkpoints: replica?.reports ?? null,
    close: () => {
      closing ??= close();
      return closing;
    },
  });
}

const sinkOf = ({ executorId, executorName, reports }: Replica): InterventionSink => ({
  executorId,
  executorName,
  record: (records) => reports.record(records),
});

/** @throws KillSwitchError INVALID_ARGUMENT */
function checkOptions(options: CreateKillSwitchOptions, domain: string, organizationId: string): void {
  checkId('agentId', options.agentId);
  if (options.executor !== undefined) checkKeys('executor', options.executor, { name: true });
  checkId('executor.name', options.executor?.name);
  if (typeof (options.requireRun ?? false) !== 'boolean')
    throw invalid(`requireRun is true or false, not ${quoteId(options.requireRun)}.`);
  checkId('domain', domain);
  const problem = idProblem(organizationId);
  if (problem) throw invalid(`organizationId ${problem}.`);
  if (options.provider && options.client) throw invalid('Give createKillSwitch a provider or a client, not both.');
  if (!options.store && !options.provider && !options.client) {
    throw invalid(
      'createKillSwitch needs a store, for instance redisStore({ url }), or a provider or client that serves kill-switch.mode.',
    );
  }
  if (!options.client) checkDomainIsFree(domain);
}

/** Where the mode comes from a provider of the app's, its events and a slow clock tell when to ask again. Returns what ends it. */
function watchElsewhere(
  { client, leaseMs }: CreateKillSwitchOptions & { readonly leaseMs: number },
  domain: string,
  inFlight: InFlight,
  changes: Changes,
): () => void {
  const ask = (): void => {
    void inFlight.refresh();
    changes.notify();
  };
  const timer = setInterval(ask, Math.min(POLL_MS, leaseMs / 3));
  timer.unref();
  if (client) return () => clearInterval(timer);
  const events = OpenFeature.getClient(domain);
  const types = [ProviderEvents.ConfigurationChanged, ProviderEvents.Error, ProviderEvents.Stale, ProviderEvents.Ready];
  for (const type of types) events.addHandler(type, ask);
  return () => {
    clearInterval(timer);
    for (const type of types) events.removeHandler(type, ask);
  };
}
