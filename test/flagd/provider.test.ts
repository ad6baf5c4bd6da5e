import { connect as connectTcp } from 'node:net';
import { type Client, ProviderEvents, ProviderStatus } from '@openfeature/server-sdk';
import { describe, expect, it } from 'vitest';
import { IdentityHook } from '../../hooks/index.ts';
import { type FlagdKillSwitchOptions, FlagdKillSwitchProvider, type ResolverType } from '../../provider/flagd/index.ts';
import { clientOf, faultOf, modeOf, nextEvent, untilMode } from '../provider/helpers.ts';
import type { FaultProxy } from '../../testing/fault-proxy.ts';
import { type FlagdServer, freePorts, hasFlagd, startFaultProxy, startFlagd } from '../servers/index.ts';

const LEASE = 900;

const definition = (mode: string, more: object = {}): object => ({
  flags: {
    'kill-switch.mode': {
      state: 'ENABLED',
      variants: { live: 'live', paused: 'paused', full_stop: 'full_stop' },
      defaultVariant: mode,
      targeting: { if: [{ '==': [{ var: 'agent_id' }, 'killed'] }, 'full_stop', null] },
      ...more,
    },
    checkout: { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'on' },
  },
});

const portOf = (server: FlagdServer, resolverType: ResolverType): number =>
  resolverType === 'rpc' ? server.port : server.syncPort;

const connect = (port: number, resolverType: ResolverType, options: FlagdKillSwitchOptions = {}): Promise<Client> =>
  clientOf(new FlagdKillSwitchProvider({ host: '127.0.0.1', port, resolverType, leaseMs: LEASE, ...options }));

/** How long it takes until a careless caller without a hook is stopped, in milliseconds. */
async function timeToStop(client: Client): Promise<number> {
  const began = performance.now();
  await untilMode(client, 'full_stop');
  return performance.now() - began;
}

/**
 * What a measurement adds to the lease, in milliseconds: the event loop of a busy machine, and one evaluation's
 * deadline.
 */
const SLACK = 600;

describe.skipIf(!hasFlagd).each(['rpc', 'in-process'] as const)('FlagdKillSwitchProvider, %s', (resolverType) => {
  it('serves what flagd serves, for the context it is asked with, and is READY', async () => {
    const server = await startFlagd({ flags: definition('live') });
    const client = await connect(portOf(server, resolverType), resolverType);
    // the first try may take too long on a slow machine
    await expect.poll(() => client.providerStatus, { timeout: 10_000 }).toBe(ProviderStatus.READY);
    expect(await client.getStringDetails('kill-switch.mode', 'full_stop')).toMatchObject({
      value: 'live',
      variant: 'live',
    });
    expect(await modeOf(client, { agent_id: 'killed' })).toBe('full_stop');
    expect(await client.getBooleanValue('checkout', false)).toBe(true);
    expect(await client.getBooleanDetails('missing', true)).toMatchObject({ value: true, errorCode: 'FLAG_NOT_FOUND' });
    expect(await client.getStringValue('kill-switch.feature.x', 'live')).toBe('dark');
    expect(await client.getNumberValue('kill-switch.limit.x', 5)).toBe(0);
    expect(await client.getBooleanValue('kill-switch.mode', true)).toBe(false);
  });

  it('emits a change of flagd’s file, with the keys, and serves it', async () => {
    const server = await startFlagd({ flags: definition('live') });
    const client = await connect(portOf(server, resolverType), resolverType);
    const changed = nextEvent(client, ProviderEvents.ConfigurationChanged);
    server.write(definition('paused'));
    expect((await changed)['flagsChanged']).toContain('kill-switch.mode');
    expect(await modeOf(client)).toBe('paused');
  });

  it.each([
    ['killed', (server: FlagdServer) => server.kill()],
    ['frozen', (server: FlagdServer) => server.freeze()],
  ])('stops within the lease where flagd is %s, emits ERROR, and recovers by itself', async (what, harm) => {
    const server = await startFlagd({ flags: definition('live') });
    const client = await connect(portOf(server, resolverType), resolverType);
    expect(await modeOf(client)).toBe('live');
    const error = nextEvent(client, ProviderEvents.Error);
    await harm(server);
    expect(await timeToStop(client)).toBeLessThan(LEASE + SLACK);
    expect((await error)['message']).not.toBe('');
    expect(['STALE', 'DEADLINE_EXCEEDED']).toContain(await faultOf(client));
    expect(await client.getBooleanDetails('checkout', false)).toMatchObject({
      reason: resolverType === 'rpc' ? 'ERROR' : 'STATIC',
    });
    // Long enough for gRPC to wait longer and longer before it connects again.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const ready = nextEvent(client, ProviderEvents.Ready);
    const began = performance.now();
    await (what === 'killed' ? server.restart() : server.thaw());
    const restarted = performance.now();
    await ready;
    await untilMode(client, 'live');
    expect(performance.now() - (what === 'killed' ? restarted : began)).toBeLessThan(2500);
  });

  it('stops within the lease behind a network that falls silent, also where it then forgets the connections', async () => {
    const server = await startFlagd({ flags: definition('live') });
    const proxy = await startFaultProxy({ port: portOf(server, resolverType) });
    const client = await connect(proxy.port, resolverType);
    expect(await modeOf(client)).toBe('live');
    proxy.stall();
    expect(await timeToStop(client)).toBeLessThan(LEASE + SLACK);
    await proxy.resume();
    await untilMode(client, 'live');
    // Now the present connections stay silent for ever, and only new ones get through.
    const silent = new Set(proxy.connections.map(({ id }) => id));
    proxy.stallWhere(({ id }) => silent.has(id));
    await untilMode(client, 'live', {}, 5000);
    server.write(definition('paused'));
    await untilMode(client, 'paused', {}, 5000);
  });

  it('sees a change where only the connection of its stream has fallen silent, and makes another one', async () => {
    const server = await startFlagd({ flags: definition('live') });
    const proxy = await startFaultProxy({ port: portOf(server, resolverType) });
    const client = await connect(proxy.port, resolverType);
    // In-process fetches over a connection of its own; with rpc, one connection carries the questions and the stream.
    await expect.poll(() => proxy.connections.length).toBe(resolverType === 'rpc' ? 1 : 2);
    const stream = proxy.connections.at(-1)?.id ?? 0;
    proxy.stallWhere(({ id }) => id === stream, 'to-client');
    server.write(definition('paused'));
    await untilMode(client, 'paused', {}, 5000);
    await expect.poll(() => proxy.connections.some(({ id }) => id > stream), { timeout: 5000 }).toBe(true);
    expect(await modeOf(client)).toBe('paused');
  });

  it.each([
    ['cannot be reached', null],
    [
      'has no kill-switch.mode',
      { flags: { checkout: { state: 'ENABLED', variants: { on: true }, defaultVariant: 'on' } } },
    ],
    ['has no flags at all', { flags: {} }],
  ])('is not READY and full_stop where flagd %s', async (_what, flags) => {
    const port = flags ? portOf(await startFlagd({ flags }), resolverType) : ((await freePorts(1))[0] as number);
    const client = await connect(port, resolverType, { leaseMs: 500, deadlineMs: 200 });
    expect(client.providerStatus).toBe(ProviderStatus.ERROR);
    expect(await modeOf(client)).toBe('full_stop');
    expect(await faultOf(client)).toBe('NOT_READY');
  });

  it.each([
    ['disabled', { state: 'DISABLED' }],
    ['without a default', { defaultVariant: undefined, targeting: undefined }],
    ['of another type', { variants: { live: true }, defaultVariant: 'live', targeting: undefined }],
    ['of an unknown mode', { variants: { live: 'LIVE' }, defaultVariant: 'live', targeting: undefined }],
  ])('is full_stop where the flag is %s', async (_what, more) => {
    const server = await startFlagd({ flags: definition('live', more) });
    const client = await connect(portOf(server, resolverType), resolverType, { leaseMs: 500, deadlineMs: 300 });
    expect(await modeOf(client)).toBe('full_stop');
    expect(await faultOf(client)).not.toBe('');
  });

  it('is full_stop once the flag has been taken out of the file, and good again when it is back', async () => {
    const server = await startFlagd({ flags: definition('live') });
    const client = await connect(portOf(server, resolverType), resolverType);
    expect(await modeOf(client)).toBe('live');
    server.write({ flags: {} });
    await untilMode(client, 'full_stop');
    server.write(definition('live'));
    await untilMode(client, 'live');
  });

  it('keeps serving the last good file where the new one is unreadable, which flagd itself does, until flagd is gone', async () => {
    const server = await startFlagd({ flags: definition('live') });
    const client = await connect(portOf(server, resolverType), resolverType);
    server.write('{"flags":');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await modeOf(client)).toBe('live');
    await server.kill();
    expect(await timeToStop(client)).toBeLessThan(LEASE + SLACK);
  });

  it('takes the identity from its hooks, and stops where a hook gives none', async () => {
    const server = await startFlagd({ flags: definition('live') });
    let agentId: string | undefined = 'killed';
    const hooks = [new IdentityHook(() => ({ agentId }))];
    const client = await connect(portOf(server, resolverType), resolverType, { hooks });
    expect(await modeOf(client)).toBe('full_stop');
    agentId = 'fine';
    expect(await modeOf(client)).toBe('live');
    agentId = undefined;
    expect(await modeOf(client)).toBe('full_stop');
  });

  it.each([
    ['while it is connected', () => Promise.resolve()],
    ['while flagd is away', (proxy: FaultProxy, client: Client) => proxy.refuse().then(() => timeToStop(client))],
    ['while flagd is silent', async (proxy: FaultProxy, client: Client) => (proxy.stall(), timeToStop(client))],
  ])(
    'leaves no connection, no timer and no attempts behind when it is closed %s',
    { timeout: 60_000 },
    async (_what, harm) => {
      const server = await startFlagd({ flags: definition('live') });
      const proxy = await startFaultProxy({ port: portOf(server, resolverType) });
      const handles = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
      const before = handles();
      const provider = new FlagdKillSwitchProvider({ host: '127.0.0.1', port: proxy.port, resolverType, leaseMs: 500 });
      const client = await clientOf(provider);
      expect(proxy.connections.length).toBeGreaterThan(0);
      await harm(proxy, client);
      await provider.onClose();
      expect(await faultOf(client)).toBe('CLOSED');
      await proxy.resume();
      await expect.poll(() => proxy.connections.length, { timeout: 2000 }).toBe(0);
      // No connection is made any more: between two of this test's own there is none.
      const attempts = await lastConnection(proxy);
      await new Promise((resolve) => setTimeout(resolve, 1500));
      expect((await lastConnection(proxy)) - attempts).toBe(1);
      // Not by `expect.poll`, whose own timer would count.
      for (let tries = 0; handles() > before && tries < 100; tries += 1)
        await new Promise((resolve) => setTimeout(resolve, 100));
      expect(handles()).toBeLessThanOrEqual(before);
    },
  );
});

/** How many connections there have been, including the one that this makes: they are numbered. */
async function lastConnection(proxy: FaultProxy): Promise<number> {
  const none = () => expect.poll(() => proxy.connections.length, { timeout: 12_000 }).toBe(0);
  await none();
  const socket = connectTcp(proxy.port, '127.0.0.1').on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  await expect.poll(() => proxy.connections.length).toBeGreaterThan(0);
  const last = Math.max(...proxy.connections.map(({ id }) => id));
  socket.destroy();
  await none();
  return last;
}
