import {
  InMemoryProvider,
  MultiProvider,
  OpenFeature,
  OpenFeatureEventEmitter,
  type Provider,
  ProviderEvents,
  ProviderStatus,
} from '@openfeature/server-sdk';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createKillSwitch } from '../../index.ts';
import { openControlPlane } from '../../operator/index.ts';
import { FlagdKillSwitchProvider } from '../../provider/flagd/index.ts';
import { FailClosedProvider, KillSwitchProvider, StrictestWinsStrategy } from '../../provider/index.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { closeAfterwards } from '../guard/open-switch.ts';
import { hasFlagd, hasRedis, startFlagd, startRedis } from '../servers/index.ts';

const LEASE_MS = 3000;
const variants = { live: 'live', full_stop: 'full_stop' };
const flags = { 'kill-switch.mode': { state: 'ENABLED', variants, defaultVariant: 'live' } };

interface Served {
  readonly make: () => Provider;
  readonly server: { freeze(): Promise<void>; thaw(): Promise<void> };
}

async function flagd(): Promise<Served> {
  const server = await startFlagd({ flags: { flags } });
  const make = () =>
    new FlagdKillSwitchProvider({ port: server.syncPort, resolverType: 'in-process', leaseMs: LEASE_MS });
  return { make, server };
}

async function redis(): Promise<Served> {
  const server = await startRedis();
  const { url } = server;
  const control = await openControlPlane({ store: redisControlStore({ url }), operator: { id: 'dan' } });
  await control.init();
  await control.setMode({ mode: 'live', reason: 'start' });
  await control.close();
  return { make: () => new KillSwitchProvider({ store: redisStore({ url }), leaseMs: LEASE_MS }), server };
}

let domains = 0;

/** Serves it on a domain of its own, and asks for the mode. */
async function served(provider: Provider) {
  const domain = `own-lease-${(domains += 1)}`;
  await OpenFeature.setProviderAndWait(domain, provider);
  const client = OpenFeature.getClient(domain);
  const stale = new Promise<void>((resolve) => client.addHandler(ProviderEvents.Stale, () => resolve()));
  return { client, stale, mode: () => client.getStringValue('kill-switch.mode', 'live') };
}

const SOURCES = [
  ['flagd in-process', hasFlagd, flagd],
  ['Redis', hasRedis, redis],
] as const;

for (const [name, isThere, serve] of SOURCES) {
  describe.skipIf(!isThere)(`a decorator and a guard over a provider that keeps its own lease: ${name}`, () => {
    test('answer on when a confirmation fails, until the lease ends, then full_stop, then again', async () => {
      onTestFinished(() => OpenFeature.clearProviders());
      const { make, server } = await serve();
      const strictest = () => new MultiProvider([{ provider: make() }], new StrictestWinsStrategy());
      const wrapped = await served(new FailClosedProvider(make()));
      const several = await served(new FailClosedProvider(strictest()));
      const guard = await createKillSwitch({ provider: make(), agentId: 'a', domain: `guarded-${(domains += 1)}` });
      closeAfterwards(guard);
      let aborted: unknown = null;
      let release = (): void => {};
      const long = guard.action({
        name: 'a.long',
        execute: (_input: unknown, { signal }) =>
          new Promise<void>((resolve) => {
            signal.addEventListener('abort', () => (aborted = signal.reason));
            release = resolve;
          }),
      });
      const short = guard.action({ name: 'a.b', execute: () => 1 });
      const running = long.attempt(undefined);
      const modes = async () => [await wrapped.mode(), await several.mode(), (await short.attempt(undefined)).status];
      expect(await modes()).toEqual(['live', 'live', 'executed']);

      await server.freeze();
      await Promise.all([wrapped.stale, several.stale]);
      expect(wrapped.client.providerStatus).toBe(ProviderStatus.STALE);
      expect(await modes()).toEqual(['live', 'live', 'executed']);
      expect(aborted).toBe(null);
      await expect.poll(modes, { timeout: 2 * LEASE_MS, interval: 50 }).toEqual(['full_stop', 'full_stop', 'blocked']);
      await expect.poll(() => aborted, { timeout: LEASE_MS }).not.toBe(null);
      release();
      await running;

      await server.thaw();
      await expect.poll(modes, { timeout: 10_000, interval: 50 }).toEqual(['live', 'live', 'executed']);
    }, 30_000);
  });
}

test.skipIf(!hasFlagd)(
  'a decorator over flagd by rpc answers again with flagd’s first answer, before the next confirmation',
  async () => {
    onTestFinished(() => OpenFeature.clearProviders());
    const server = await startFlagd({ flags: { flags } });
    const { port } = server;
    const { mode, stale } = await served(new FailClosedProvider(new FlagdKillSwitchProvider({ port, leaseMs: 9000 })));
    expect(await mode()).toBe('live');
    await server.freeze();
    const refused = mode(); // by its own deadline
    expect(await refused).toBe('full_stop');
    await stale;
    await server.thaw();
    expect(await mode()).toBe('live');
  },
  40_000,
);

test('a cache that inherits from such a provider is not taken for one', async () => {
  onTestFinished(() => OpenFeature.clearProviders());
  const events = new OpenFeatureEventEmitter();
  const own = {
    events,
    metadata: { name: 'cache' },
    hooks: [],
    initialize: async () => {},
    onClose: async () => {},
    resolveStringEvaluation: async () => ({ value: 'live', variant: 'live', reason: 'CACHED' }),
  };
  const cache: Provider = Object.create(
    new FlagdKillSwitchProvider(),
    Object.fromEntries(Object.entries(own).map(([key, value]) => [key, { value }])),
  );
  const { mode } = await served(new FailClosedProvider(cache));
  expect(await mode()).toBe('live');
  events.emit(ProviderEvents.Stale);
  expect(await mode()).toBe('full_stop');
});

const live = { value: 'live', variant: 'live', reason: 'CACHED' };
const inMemory = () => new InMemoryProvider({});

test.each([
  [
    'FlagdKillSwitchProvider',
    () =>
      new (class extends FlagdKillSwitchProvider {
        override initialize = async () => {};
        override resolveStringEvaluation = async () => live;
      })(),
  ],
  [
    'KillSwitchProvider',
    () =>
      new (class extends KillSwitchProvider {
        override initialize = async () => {};
        override resolveStringEvaluation = async () => live;
      })({ store: memoryStore() }),
  ],
  [
    'FailClosedProvider',
    () =>
      new (class extends FailClosedProvider {
        override initialize = async () => {};
        override resolveStringEvaluation = async () => live;
      })(inMemory()),
  ],
  [
    'MultiProvider',
    () => {
      const sources = [{ provider: new FailClosedProvider(inMemory()) }];
      return new (class extends MultiProvider {
        override resolveStringEvaluation = async () => live;
      })(sources, new StrictestWinsStrategy());
    },
  ],
])('a subclass of %s, which may answer out of a cache of its own, is not taken for one', async (_, make) => {
  onTestFinished(() => OpenFeature.clearProviders());
  const cache: Provider = make();
  const { mode } = await served(new FailClosedProvider(cache));
  expect(await mode()).toBe('live');
  cache.events?.emit(ProviderEvents.Stale);
  expect(await mode()).toBe('full_stop');
});
