import { type Client, OpenFeature, ProviderEvents, ProviderStatus } from '@openfeature/server-sdk';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FailClosedHook, IdentityHook } from '../../hooks/index.ts';
import { KillSwitchProvider } from '../../provider/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { type MemoryFault, memoryStore } from '../../store/memory/index.ts';
import { connectExecutor } from '../../store/connect-executor.ts';
import { clientOf, faultOf, modeOf, nextEvent, untilMode } from './helpers.ts';
import { openQuickControl } from '../operator/open-quick-control.ts';

const CHECKOUT = {
  flags: {
    checkout: { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'on' },
    price: {
      state: 'ENABLED',
      variants: { low: 1, high: 2 },
      defaultVariant: 'low',
      targeting: { if: [{ '==': [{ var: 'plan' }, 'gold'] }, 'high', null] },
    },
  },
};

async function setUp({ initialise = true, leaseMs = 60_000 } = {}) {
  const store = memoryStore();
  const control = await openQuickControl({ store: memoryControlStore(store), operator: { id: 'ann' }, retryMs: 300 });
  onTestFinished(() => control.close());
  if (initialise) {
    await control.init();
    await control.setMode({ mode: 'live', reason: 'test' });
  }
  const provider = new KillSwitchProvider({ store, leaseMs });
  return { store, memory: store.memory, control, provider, client: await clientOf(provider) };
}

const changedKeys = async (client: Client, act: () => Promise<unknown>): Promise<unknown> => {
  const event = nextEvent(client, ProviderEvents.ConfigurationChanged);
  await act();
  return (await event)['flagsChanged'];
};

describe('KillSwitchProvider', () => {
  it('serves the stage of a feature for the context it is asked with', async () => {
    const { client, control } = await setUp();
    const stage = (context: object) => client.getStringDetails('kill-switch.feature.f', 'live', context as never);
    expect(await stage({})).toMatchObject({ value: 'dark', reason: 'DEFAULT' });
    const targeting = { if: [{ in: [{ var: 'account_id' }, ['acme']] }, 'gated'] };
    const keys = await changedKeys(client, () =>
      control.setFeature({ name: 'f', stage: 'shadow', targeting, reason: 'r' }),
    );
    expect(keys).toContain('kill-switch.feature.f');
    const flagMetadata = { cause: 'feature', feature: 'f', stage: 'gated', epoch: 3 };
    expect(await stage({ account_id: 'acme' })).toMatchObject({
      ...{ value: 'gated', variant: 'gated', reason: 'TARGETING_MATCH', flagMetadata },
    });
    expect(await stage({ account_id: 'globex' })).toMatchObject({ value: 'shadow' });
    expect(await stage({ account_id: 7 })).toMatchObject({ value: 'dark' });
    expect(await stage({ account_id: 'acme', organization_id: 'another' })).toMatchObject({ value: 'dark' });
    const mode = (context: object) => modeOf(client, { feature: 'f', ...context });
    expect(await mode({ account_id: 'acme' })).toBe('approval_gated');
    expect(await mode({ account_id: 'globex' })).toBe('draft_only');
  });

  it('serves the mode for the context it is asked with, with its epoch and cause', async () => {
    const { client, control } = await setUp();
    expect(client.providerStatus).toBe(ProviderStatus.READY);
    expect(await client.getStringDetails('kill-switch.mode', 'full_stop', { agent_id: 'x' })).toMatchObject({
      value: 'live',
      variant: 'live',
      flagMetadata: { cause: 'mode', epoch: 2 },
    });
    const { kill } = await control.kill({ target: 'agent:x', reason: 'wrong refunds' });
    await untilMode(client, 'full_stop', { agent_id: 'x' });
    expect(await client.getStringDetails('kill-switch.mode', 'live', { agent_id: 'x' })).toMatchObject({
      value: 'full_stop',
      flagMetadata: {
        cause: 'kill',
        killId: kill.id,
        target: 'agent:x',
        killedBy: expect.stringContaining('ann'),
        reason: 'wrong refunds',
        epoch: 3,
      },
    });
    expect(await modeOf(client, { agent_id: 'y', lineage_agents: ['x'] })).toBe('full_stop');
    expect(await modeOf(client, { agent_id: 'y' })).toBe('live');
  });

  it('refuses a context whose identity cannot be read, or that is of another organisation', async () => {
    const { client } = await setUp();
    for (const context of [{ agent_id: 7 }, { run_id: '' }, { lineage_runs: 'r1' }, { organization_id: 'other' }]) {
      expect(await client.getStringDetails('kill-switch.mode', 'live', context)).toMatchObject({
        value: 'full_stop',
        flagMetadata: { cause: 'identity' },
      });
    }
  });

  it('serves features, limits and autonomy, and their safe values where there is no entry', async () => {
    const { client, control } = await setUp();
    expect(await client.getStringDetails('kill-switch.feature.refunds', 'live')).toMatchObject({
      value: 'dark',
      variant: 'dark',
      reason: 'DEFAULT',
      flagMetadata: { cause: 'feature', feature: 'refunds', stage: 'dark', epoch: 2 },
    });
    expect(await client.getStringDetails('kill-switch.autonomy.email.send', 'trusted')).toMatchObject({
      value: 'human_in_the_loop',
      reason: 'DEFAULT',
      flagMetadata: { cause: 'autonomy', action: 'email.send', stage: 'human_in_the_loop', epoch: 2 },
    });
    expect(await client.getNumberDetails('kill-switch.limit.refund.max', 200)).toMatchObject({
      value: 200,
      errorCode: 'FLAG_NOT_FOUND',
    });
    await control.setFeature({ name: 'refunds', stage: 'gated', reason: 'try' });
    await control.setLimit({ name: 'refund.max', value: 50, reason: 'try' });
    await control.setAutonomy({ action: 'email.send', stage: 'autonomous', reason: 'try' });
    await untilMode(client, 'live');
    await expect.poll(() => client.getStringValue('kill-switch.autonomy.email.send', 'trusted')).toBe('autonomous');
    expect(await client.getStringValue('kill-switch.feature.refunds', 'live')).toBe('gated');
    expect(await client.getNumberDetails('kill-switch.limit.refund.max', 200)).toMatchObject({
      value: 50,
      variant: '50',
      flagMetadata: { epoch: 5 },
    });
    expect(await modeOf(client, { feature: 'refunds' })).toBe('approval_gated');
    expect(await modeOf(client, { feature: 'unheard-of' })).toBe('full_stop');
  });

  it('with the hook answers 0 for a missing limit, and says why', async () => {
    const { client } = await setUp();
    OpenFeature.addHooks(new FailClosedHook());
    expect(await client.getNumberDetails('kill-switch.limit.refund.max', 200)).toMatchObject({
      value: 0,
      flagMetadata: { cause: 'fault', code: 'FLAG_NOT_FOUND' },
    });
  });

  it('answers a flag that is asked with the wrong type with false, 0 or {}', async () => {
    const { client } = await setUp();
    expect(await client.getBooleanValue('kill-switch.mode', true)).toBe(false);
    expect(await client.getNumberValue('kill-switch.mode', 1)).toBe(0);
    expect(await client.getObjectValue('kill-switch.mode', { a: 1 })).toEqual({});
    expect(await client.getStringDetails('kill-switch.limit.x', 'all')).toMatchObject({
      value: '',
      flagMetadata: { code: 'TYPE_MISMATCH' },
    });
  });

  it('serves the app’s own flags with ordinary semantics, and emits which have changed', async () => {
    const { client, control } = await setUp();
    expect(await client.getBooleanDetails('checkout', true)).toMatchObject({
      value: true,
      errorCode: 'FLAG_NOT_FOUND',
    });
    expect(await changedKeys(client, () => control.setFlags({ definition: CHECKOUT, reason: 'new' }))).toEqual([
      'checkout',
      'price',
    ]);
    expect(await client.getBooleanDetails('checkout', false)).toMatchObject({
      value: true,
      variant: 'on',
      reason: 'STATIC',
    });
    expect(await client.getNumberValue('price', 0, { plan: 'gold' })).toBe(2);
    expect(await client.getStringDetails('checkout', 'x')).toMatchObject({ value: 'x', errorCode: 'TYPE_MISMATCH' });
    const { price, checkout } = CHECKOUT.flags;
    const definition = { flags: { price, checkout: { ...checkout, defaultVariant: 'off' } } };
    expect(await changedKeys(client, () => control.setFlags({ definition, reason: 'off' }))).toEqual(['checkout']);
    expect(await client.getBooleanValue('checkout', true)).toBe(false);
  });

  it('names the flags that each change concerns', async () => {
    const { client, control } = await setUp();
    const keys = (act: () => Promise<unknown>): Promise<unknown> => changedKeys(client, act);
    expect(await keys(() => control.kill({ target: 'agent:a' }))).toEqual(['kill-switch.mode']);
    expect(await keys(() => control.setMode({ mode: 'paused' }))).toEqual(['kill-switch.mode']);
    expect(await keys(() => control.setFeature({ name: 'f', stage: 'live', reason: 'x' }))).toEqual([
      'kill-switch.feature.f',
      'kill-switch.mode',
    ]);
    expect(await keys(() => control.setLimit({ name: 'l', value: 3, reason: 'x' }))).toEqual(['kill-switch.limit.l']);
    expect(await keys(() => control.setAutonomy({ action: 'a.b', stage: 'trusted', reason: 'x' }))).toEqual([
      'kill-switch.autonomy.a.b',
      'kill-switch.mode',
    ]);
  });

  it.each(['unreachable', 'hang', 'read-only'] as const)(
    'stops at the end of the lease where the store is %s, tells STALE and ERROR, and recovers by itself',
    async (fault: MemoryFault) => {
      const { client, memory } = await setUp({ leaseMs: 500 });
      expect(await modeOf(client)).toBe('live');
      const [stale, error] = [nextEvent(client, ProviderEvents.Stale), nextEvent(client, ProviderEvents.Error)];
      memory.fault = fault;
      expect((await stale)['message']).not.toBe('');
      await error;
      expect(client.providerStatus).toBe(ProviderStatus.ERROR);
      const details = await client.getStringDetails('kill-switch.mode', 'live');
      expect(details).toMatchObject({
        value: 'full_stop',
        variant: 'full_stop',
        flagMetadata: { cause: 'fault', epoch: 2 },
      });
      expect(details.errorCode).toBeUndefined();
      expect(await faultOf(client)).toBe(fault === 'read-only' ? 'STORE_READ_ONLY' : 'STORE_UNREACHABLE');
      expect(await client.getBooleanDetails('checkout', true)).toMatchObject({ value: true, errorCode: 'GENERAL' });
      const ready = nextEvent(client, ProviderEvents.Ready);
      memory.fault = null;
      await ready;
      expect(await modeOf(client)).toBe('live');
    },
  );

  it('is not READY over a store that nobody has initialised, and full_stop until somebody does', async () => {
    const { client, control } = await setUp({ initialise: false, leaseMs: 500 });
    expect(client.providerStatus).toBe(ProviderStatus.ERROR);
    expect(await modeOf(client)).toBe('full_stop');
    expect(await faultOf(client)).toBe('NOT_INITIALISED');
    const ready = nextEvent(client, ProviderEvents.Ready);
    await control.init();
    await ready;
    expect(await modeOf(client)).toBe('draft_only');
  });

  it('answers before initialize and after onClose, and can be started anew', async () => {
    const { store, control } = await setUp();
    const provider = new KillSwitchProvider({ store, leaseMs: 500 });
    const ask = () => provider.resolveStringEvaluation('kill-switch.mode', 'live', {});
    expect(await ask()).toMatchObject({ value: 'full_stop', flagMetadata: { code: 'NOT_READY' } });
    await provider.initialize();
    expect(await ask()).toMatchObject({ value: 'live' });
    await provider.onClose();
    expect(await ask()).toMatchObject({ value: 'full_stop', flagMetadata: { code: 'CLOSED' } });
    expect(provider.closed).toBe(true);
    expect((await control.status()).executors.filter(({ state }) => state === 'silent')).toEqual([]);
    await provider.initialize();
    expect(await ask()).toMatchObject({ value: 'live' });
    await provider.onClose();
  });

  it('leaves a replica that others share open', async () => {
    const { store } = await setUp();
    const { replica } = connectExecutor({ store, organizationId: 'default', leaseMs: 500 });
    onTestFinished(() => replica.close());
    const provider = new KillSwitchProvider({ replica });
    await provider.initialize();
    await provider.onClose();
    expect(replica.fault()).toBeNull();
    await replica.close();
    expect(provider.closed).toBe(true);
  });

  it.each([
    [{ leaseMs: 20 }, 'leaseMs must be from 500'],
    [{ organizationId: '' }, 'organizationId must not be empty'],
  ])('refuses %o', (options, message) => {
    expect(() => new KillSwitchProvider({ store: memoryStore(), ...options })).toThrow(message);
  });

  it('is full_stop where something in the context throws when it is looked at', async () => {
    const { provider } = await setUp();
    const odd = {
      get agent_id(): string {
        throw new Error('odd');
      },
    };
    expect(await provider.resolveStringEvaluation('kill-switch.mode', 'live', odd)).toMatchObject({
      value: 'full_stop',
      flagMetadata: { code: 'INTERNAL' },
    });
  });

  it('takes the identity from an IdentityHook among its own hooks', async () => {
    const { store, control } = await setUp();
    await control.kill({ target: 'agent:x' });
    let agentId: unknown = 'x';
    const hook = new IdentityHook(() => ({ agentId }) as { agentId: string });
    const client = await clientOf(new KillSwitchProvider({ store, hooks: [hook] }));
    expect(await modeOf(client, { agent_id: 'somebody-else' })).toBe('full_stop');
    agentId = 'y';
    expect(await modeOf(client)).toBe('live');
    agentId = 7;
    expect(await client.getStringDetails('kill-switch.mode', 'live')).toMatchObject({
      value: 'full_stop',
      flagMetadata: { cause: 'identity', message: 'agent_id must be a non-empty string' },
    });
  });
});
