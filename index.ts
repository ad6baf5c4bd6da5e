import { OpenFeature } from '@openfeature/server-sdk';
import type { ModeSource } from './flags/mode-source.ts';
import { type CreateKillSwitchOptions, type SwitchSettings, switchSettings } from './guard/create-options.ts';
import { type Executor, openExecutor, type Reported, WITHOUT_STORE } from './guard/executor.ts';
import type { KillSwitch } from './guard/kill-switch.ts';
import { tryWebStreams } from './guard/ongoing/index.ts';
import { openGuard } from './guard/open-guard.ts';
import { addFailClosedHook, spareHooks } from './hooks/fail-closed.ts';
import { clientSource } from './provider/client-source.ts';
import { checkDomainIsFree, serveOn } from './provider/switch-domain.ts';
import { type ConnectedExecutor, connectExecutor } from './store/connect-executor.ts';
import { VERSION } from './store/version.ts';
import type { ExecutorStore } from './store/ports.ts';

export type { Cause } from './flags/causes.ts';
export type { Decision } from './flags/decision.ts';
export type { FaultCode } from './flags/faults.ts';
export { isKillSwitchError, KillSwitchError } from './flags/errors.ts';
export type { Effect, Mode, Verdict } from './flags/modes.ts';
export type {
  ActionDefinition,
  CallArguments,
  CallOptions,
  ExecuteContext,
  HandlerContext,
  GuardedAction,
  LimitDefinition,
  ReverseDefinition,
  Surface,
} from './guard/action.ts';
export type { CreateKillSwitchOptions } from './guard/create-options.ts';
export {
  ActionInputError,
  ActionResultError,
  ActionStoppedError,
  IdempotencyKeyError,
  isActionStoppedError,
} from './guard/errors.ts';
export type { OutcomeOptions } from './guard/record-outcome.ts';
export type { RedactInput } from './guard/redact-record.ts';
export type { CheckOptions } from './guard/check.ts';
export type { JobOutcome, KillSwitch, RunOptions } from './guard/kill-switch.ts';
export type { DatabaseTransaction } from './guard/transaction.ts';
export type { Outcome, OutcomeStatus } from './guard/outcome.ts';
export type { CheckpointOptions, Run } from './guard/run.ts';
export type { ExecutorStore } from './store/ports.ts';

/**
 * Wires the switch into an application: sets the provider on its domain, adds the fail-closed hook to the OpenFeature
 * API, registers this executor and starts reporting. An unreachable store is `full_stop`, not a crash: it rejects only
 * on wrong options, and where a package is not installed.
 *
 * A process that ends without `close()` stays in the count of executors, and every later kill waits for it. These two
 * lines close it when the process is told to end, and end with the exit codes by which shells know the two signals:
 *
 * ```ts
 * process.once('SIGTERM', () => killSwitch.close().finally(() => process.exit(143)));
 * process.once('SIGINT', () => killSwitch.close().finally(() => process.exit(130)));
 * ```
 *
 * @throws KillSwitchError INVALID_ARGUMENT; MISSING_PACKAGE where the store needs one that is not installed
 */
export async function createKillSwitch(options: CreateKillSwitchOptions): Promise<KillSwitch> {
  const settings = switchSettings(options);
  if (settings.source.is !== 'client') checkDomainIsFree(settings.domain);
  // Before anything is awaited: whoever asks on this domain meanwhile would get a default of their own.
  addFailClosedHook(OpenFeature);
  // Before anything is awaited, too: of two switches that are created at once the second finds the domain taken.
  const { executor, source } = open(settings);
  const killSwitch = openGuard({ settings, executor, source });
  try {
    await settings.store?.loadPackages?.();
  } catch (error) {
    await killSwitch.close();
    throw error;
  }
  await Promise.all([executor.replica?.start(), source.initialised, tryWebStreams()]);
  return killSwitch;
}

/**
 * The executor; and who is asked for the mode: its own copy or a provider of the app's, either of them served on the
 * domain, or a client of the app's.
 */
function open(settings: SwitchSettings): { readonly executor: Executor; readonly source: ModeSource } {
  const { source: from, store, domain } = settings;
  const spare = spareHooks(OpenFeature);
  if (from.is === 'store') {
    const executor = openExecutor(VERSION, connected(from.store, settings));
    return { executor, source: serveOn(domain, { replica: executor.replica }, spare) };
  }
  return {
    executor: openExecutor(VERSION, store ? connected(store, settings) : () => WITHOUT_STORE),
    source: from.is === 'client' ? clientSource(from.client) : serveOn(domain, { provider: from.provider }, spare),
  };
}

const connected =
  (store: ExecutorStore, { organizationId, leaseMs, executorName }: SwitchSettings) =>
  (reported: Reported): ConnectedExecutor =>
    connectExecutor({ store, organizationId, leaseMs, executorName, ...reported });
