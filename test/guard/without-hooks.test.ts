import {
  InMemoryProvider,
  OpenFeature,
  OpenFeatureEventEmitter,
  ProviderEvents,
  ProviderStatus,
} from '@openfeature/server-sdk';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { FailClosedHook } from '../../hooks/index.ts';
import { type CreateKillSwitchOptions, createKillSwitch } from '../../index.ts';
import { openControlPlane } from '../../operator/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';

afterEach(async () => {
  await OpenFeature.clearProviders();
  OpenFeature.clearHooks();
});

const flags = {
  'kill-switch.mode': { variants: { live: 'live' }, defaultVariant: 'live', disabled: false },
};
const OPEN: Record<string, () => Promise<Pick<CreateKillSwitchOptions, 'store' | 'provider'>>> = {
  'a store': async () => {
    const store = memoryStore();
    const control = await openControlPlane({ store: memoryControlStore(store), operator: { id: 'ann' } });
    await control.init();
    await control.setMode({ mode: 'live', reason: 'test' });
    await control.close();
    return { store };
  },
  'a provider alone': async () => ({ provider: new InMemoryProvider(flags) }),
};

/** A client that asks carelessly. */
const ask = () => {
  const client = OpenFeature.getClient('direct');
  return client.getStringDetails('kill-switch.mode', 'live', { agent_id: 'x' });
};
const stopped = (code: string) => ({
  value: 'full_stop',
  variant: 'full_stop',
  flagMetadata: expect.objectContaining({ cause: 'fault', code }),
});

describe.each(Object.entries(OPEN))('a direct client without hooks, over %s', (_name, open) => {
  async function setUp() {
    const killSwitch = await createKillSwitch({ ...(await open()), domain: 'direct' });
    onTestFinished(() => killSwitch.close());
    OpenFeature.clearHooks();
    return killSwitch;
  }

  test('is told the mode while the switch is open', async () => {
    await setUp();
    expect(await ask()).toMatchObject({ value: 'live', variant: 'live' });
  });

  test('is told full_stop, with a variant, once the switch has been closed', async () => {
    const killSwitch = await setUp();
    await killSwitch.close();
    expect(await ask()).toMatchObject(stopped('CLOSED'));
  });

  test('is told full_stop, with a variant, once OpenFeature has been closed too', async () => {
    const killSwitch = await setUp();
    await killSwitch.close();
    await OpenFeature.close();
    expect(await ask()).toMatchObject(stopped('CLOSED'));
  });

  test('is told full_stop, with a variant, once OpenFeature alone has been closed, and every action is blocked', async () => {
    const killSwitch = await setUp();
    const action = killSwitch.action({ name: 'a.b', execute: () => 1 });
    const attempt = () => killSwitch.run({ agentId: 'x' }, () => action.attempt(undefined));
    expect(await attempt()).toMatchObject({ status: 'executed' });
    await OpenFeature.close();
    expect(await ask()).toMatchObject(stopped('CLOSED'));
    expect(await attempt()).toMatchObject({ status: 'blocked', decision: { cause: { code: 'DOMAIN_TAKEN' } } });
  });

  test('gets its own default once the providers are cleared too, until the hook is there again', async () => {
    await setUp();
    await OpenFeature.clearProviders();
    expect(await ask()).toMatchObject({ value: 'live' });
    OpenFeature.addHooks(new FailClosedHook());
    expect(await ask()).toMatchObject({ value: 'full_stop' });
  });

  test('is told full_stop while the switch starts', async () => {
    const opening = createKillSwitch({ ...(await open()), domain: 'direct' });
    OpenFeature.clearHooks();
    expect(await ask()).toMatchObject(stopped('NOT_READY'));
    await (await opening).close();
  });

  test('is not told by the provider what a hook on the API tells: a hook that is added again is the only one', async () => {
    await setUp();
    OpenFeature.addHooks(new FailClosedHook());
    expect(OpenFeature.getProvider('direct').hooks).toEqual([]);
    OpenFeature.clearHooks();
    expect(OpenFeature.getProvider('direct').hooks).toHaveLength(1);
  });
});

test('a direct client without hooks is told full_stop where the app’s provider is FATAL, which a client never asks', async () => {
  const provider = Object.assign(new InMemoryProvider(flags), { events: new OpenFeatureEventEmitter() });
  const killSwitch = await createKillSwitch({ provider, domain: 'direct' });
  onTestFinished(() => killSwitch.close());
  OpenFeature.clearHooks();
  provider.events.emit(ProviderEvents.Error, { errorCode: 'PROVIDER_FATAL' } as never);
  expect(OpenFeature.getClient('direct').providerStatus).toBe(ProviderStatus.FATAL);
  expect(await ask()).toMatchObject({ value: 'full_stop', variant: 'full_stop' });
});
