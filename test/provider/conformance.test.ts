import { InMemoryProvider, MultiProvider, OpenFeature, type Provider } from '@openfeature/server-sdk';
import { describe, test } from 'vitest';
import { MODES, type Mode } from '../../flags/index.ts';
import { openControlPlane } from '../../operator/index.ts';
import { FlagdKillSwitchProvider, type ResolverType } from '../../provider/flagd/index.ts';
import { FailClosedProvider, KillSwitchProvider, StrictestWinsStrategy } from '../../provider/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { type ProviderHarness, providerConformance } from '../../testing/index.ts';
import { hasFlagd, startFaultProxy, startFlagd } from '../servers/index.ts';

const LEASE = 600;
const BOUND = LEASE + 600;
const variants = Object.fromEntries(MODES.map((mode) => [mode, mode])) as Record<Mode, Mode>;
const flag = (mode: Mode) => ({ variants, defaultVariant: mode, disabled: false });

async function overMemory(): Promise<ProviderHarness> {
  const store = memoryStore();
  const control = await openControlPlane({ store: memoryControlStore(store), operator: { id: 'ann' } });
  await control.init();
  const setMode = async (mode: Mode): Promise<void> => void (await control.setMode({ mode, reason: 'test' }));
  await setMode('live');
  return {
    provider: new KillSwitchProvider({ store, leaseMs: LEASE }),
    setMode,
    breakSource: async () => void (store.memory.fault = 'unreachable'),
    mendSource: async () => void (store.memory.fault = null),
    boundMs: BOUND,
    close: () => control.close(),
  };
}

function decorated(): { provider: Provider; source: InMemoryProvider; reach: (is: boolean) => void } {
  const source = new InMemoryProvider({ 'kill-switch.mode': flag('live') });
  let reachable = true;
  const confirm = (): Promise<void> => (reachable ? Promise.resolve() : Promise.reject(new Error('out of reach')));
  return {
    provider: new FailClosedProvider(source, { leaseMs: LEASE, confirm }),
    source,
    reach: (is) => (reachable = is),
  };
}

async function overDecorator(): Promise<ProviderHarness> {
  const { provider, source, reach } = decorated();
  return {
    provider,
    setMode: async (mode) => source.putConfiguration({ 'kill-switch.mode': flag(mode) }),
    breakSource: async () => reach(false),
    mendSource: async () => reach(true),
    boundMs: BOUND,
    close: async () => {},
  };
}

/** Two sources of which one is always `live`; the SDK's MultiProvider resolves only under a client, so this is one. */
async function overSeveral(): Promise<ProviderHarness> {
  const { provider: second, source, reach } = decorated();
  const always = new InMemoryProvider({ 'kill-switch.mode': flag('live') });
  const multi = new MultiProvider(
    [{ provider: always }, { provider: second, name: 'second' }],
    new StrictestWinsStrategy(),
  );
  const domain = 'several';
  const client = OpenFeature.getClient(domain);
  const unset = { value: 'full_stop', variant: 'full_stop' };
  let state: 'new' | 'open' | 'closed' = 'new';
  // NOT_READY and closed are short-circuited by the client: there only the hook helps, which its own tests show.
  const provider: Provider = {
    metadata: multi.metadata,
    initialize: async () => {
      state = 'open';
      await OpenFeature.setProviderAndWait(domain, multi);
    },
    onClose: async () => {
      state = 'closed';
      await OpenFeature.clearProviders();
    },
    resolveBooleanEvaluation: (key, value, context) => client.getBooleanDetails(key, value, context),
    resolveNumberEvaluation: (key, value, context) => client.getNumberDetails(key, value, context),
    resolveObjectEvaluation: (key, value, context) => client.getObjectDetails(key, value, context) as never,
    resolveStringEvaluation: async (key, value, context) =>
      state === 'open' ? client.getStringDetails(key, value, context) : (unset as never),
  };
  return {
    provider,
    setMode: async (mode) => source.putConfiguration({ 'kill-switch.mode': flag(mode) }),
    breakSource: async () => reach(false),
    mendSource: async () => reach(true),
    boundMs: BOUND,
    close: async () => {},
  };
}

async function overFlagd(resolverType: ResolverType): Promise<ProviderHarness> {
  const definition = (mode: Mode) => ({
    flags: { 'kill-switch.mode': { state: 'ENABLED', variants, defaultVariant: mode } },
  });
  const server = await startFlagd({ flags: definition('live') });
  const proxy = await startFaultProxy({ port: resolverType === 'rpc' ? server.port : server.syncPort });
  return {
    provider: new FlagdKillSwitchProvider({ host: '127.0.0.1', port: proxy.port, resolverType, leaseMs: LEASE }),
    setMode: async (mode) => server.write(definition(mode)),
    breakSource: () => proxy.refuse(),
    mendSource: () => proxy.resume(),
    boundMs: BOUND,
    close: () => server.stop(),
  };
}

const suites: [string, boolean, () => Promise<ProviderHarness>][] = [
  ['KillSwitchProvider', true, overMemory],
  ['FailClosedProvider', true, overDecorator],
  ['MultiProvider with StrictestWinsStrategy', true, overSeveral],
  ['FlagdKillSwitchProvider, rpc', hasFlagd, () => overFlagd('rpc')],
  ['FlagdKillSwitchProvider, in-process', hasFlagd, () => overFlagd('in-process')],
];

for (const [name, possible, open] of suites) {
  describe.skipIf(!possible)(name, () => {
    for (const { name: rule, run } of providerConformance({ open })) test(rule, run);
  });
}
