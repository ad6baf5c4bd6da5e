import type { Provider } from '@openfeature/server-sdk';
import { checkLeaseMs, checkTimeout, idProblem, invalid, LEASE_MS, LONGEST_TIMER_MS, quoteId } from '../flags/index.ts';
import { checkKeys, checkType, type Keys, readable, shownValue } from '../flags/options.ts';
import type { ExecutorStore } from '../store/ports.ts';
import { checkSide } from '../store/side.ts';
import type { SwitchClient } from '../flags/mode-source.ts';
import { HANDLER_TIMEOUT_MS } from './handlers.ts';
import { checkId } from './identity.ts';
import type { RedactInput } from './redact-record.ts';

/** Options of `createKillSwitch`. The mode comes from `provider` or `client` where one is given, else from `store`. */
export interface CreateKillSwitchOptions {
  readonly store?: ExecutorStore | undefined;
  /** An OpenFeature provider that serves `kill-switch.mode`; the switch makes it fail-closed. */
  readonly provider?: Provider | undefined;
  /** An OpenFeature client whose provider serves `kill-switch.mode`. */
  readonly client?: SwitchClient | undefined;
  /** The agent of actions outside every run, and of runs that name no agent. Absent: such actions are blocked. */
  readonly agentId?: string | undefined;
  /**
   * True: an action outside every run is blocked, even with an `agentId`. False: a callback that a pool, an emitter or
   * a timer calls outside its run acts as `agentId`, though its run's own agent may have been killed. Default false.
   */
  readonly requireRun?: boolean | undefined;
  /** Default `default`. */
  readonly organizationId?: string | undefined;
  /** The OpenFeature domain of the switch; the app's own default provider is left alone. Default `kill-switch`. */
  readonly domain?: string | undefined;
  /** The name that operators see; the id is generated. Default name: `executor`. */
  readonly executor?: { readonly name: string } | undefined;
  /** How long a state may be trusted without a confirmation, in milliseconds; 500 to 60000, default 5000. */
  readonly leaseMs?: number | undefined;
  /**
   * Your own redaction of recorded inputs, applied after ours, which removes secrets by key and by value. Must be
   * synchronous: where it throws or returns a promise, the input is not recorded.
   */
  readonly redact?: RedactInput | undefined;
  /**
   * How long a `redirect`, a `draft` or an `inputSchema` may take, in milliseconds; then the call is blocked. At most
   * 2147483647, default 10000.
   */
  readonly handlerTimeoutMs?: number | undefined;
}

const KEYS: Keys<CreateKillSwitchOptions> = {
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

/** Where the mode of a call comes from. */
export type SourceOption =
  | { readonly is: 'store'; readonly store: ExecutorStore }
  | { readonly is: 'provider'; readonly provider: Provider }
  | { readonly is: 'client'; readonly client: SwitchClient };

/** The options, checked, with their defaults filled in. */
export interface SwitchSettings {
  readonly source: SourceOption;
  /** The store that this executor follows and reports to; null without one. */
  readonly store: ExecutorStore | null;
  readonly domain: string;
  readonly organizationId: string;
  /** Undefined: the store uses its own default. */
  readonly executorName: string | undefined;
  readonly leaseMs: number;
  readonly agentId: string | undefined;
  readonly requireRun: boolean;
  readonly redact: RedactInput | undefined;
  readonly handlerTimeoutMs: number;
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export const switchSettings = (options: CreateKillSwitchOptions): SwitchSettings =>
  readable('The options of createKillSwitch', () => checkedSettings(checkKeys('createKillSwitch', options, KEYS)));

function checkedSettings(options: CreateKillSwitchOptions): SwitchSettings {
  const { domain = 'kill-switch', organizationId = 'default', requireRun = false } = options;
  const { leaseMs = LEASE_MS.default, handlerTimeoutMs = HANDLER_TIMEOUT_MS, redact } = options;
  checkLeaseMs(leaseMs);
  checkTimeout('handlerTimeoutMs', handlerTimeoutMs, LONGEST_TIMER_MS);
  const agentId = checkId('agentId', options.agentId);
  const executor = options.executor === undefined ? undefined : checkKeys('executor', options.executor, { name: true });
  const executorName = checkId('executor.name', executor?.name);
  if (typeof requireRun !== 'boolean') throw invalid(`requireRun must be true or false, not ${quoteId(requireRun)}.`);
  checkType('redact', redact, 'function');
  checkId('domain', domain);
  const problem = idProblem(organizationId);
  if (problem) throw invalid(`organizationId ${problem}.`);
  return {
    source: sourceOption(options),
    store: options.store ?? null,
    domain,
    organizationId,
    executorName,
    leaseMs,
    agentId,
    requireRun,
    redact,
    handlerTimeoutMs,
  };
}

function sourceOption({ store, provider, client }: CreateKillSwitchOptions): SourceOption {
  if (store !== undefined) checkSide('createKillSwitch', store, 'executor');
  if (provider !== undefined && client !== undefined)
    throw invalid('createKillSwitch takes a provider or a client, not both.');
  if (client !== undefined) return { is: 'client', client: checkedClient(client) };
  if (provider !== undefined) return { is: 'provider', provider: checkedProvider(provider) };
  if (store !== undefined) return { is: 'store', store };
  throw invalid(
    'createKillSwitch needs a store, for instance redisStore({ url }), or a provider or client that serves kill-switch.mode.',
  );
}

function checkedClient(client: SwitchClient): SwitchClient {
  if (typeof client?.getStringDetails === 'function') return client;
  throw invalid(
    `The client of createKillSwitch must be an OpenFeature client, such as OpenFeature.getClient(), not ${shownValue(client)}.`,
  );
}

function checkedProvider(provider: Provider): Provider {
  if (typeof provider?.resolveStringEvaluation === 'function') return provider;
  throw invalid(
    `The provider of createKillSwitch must be an OpenFeature provider, such as new FlagdKillSwitchProvider({ … }), not ${shownValue(provider)}.`,
  );
}
