import { InMemoryProvider, OpenFeatureEventEmitter, ProviderEvents, ProviderStatus } from '@openfeature/server-sdk';
import { describe, expect, it, vi } from 'vitest';
import type { Instant } from '../../flags/index.ts';
import { FailClosedProvider } from '../../provider/index.ts';
import { clientOf, faultOf, live, modeOf, never, nextEvent, stubProvider } from './helpers.ts';

const inMemory = () =>
  new InMemoryProvider({
    'kill-switch.mode': { variants: { live: 'live', stop: 'full_stop' }, defaultVariant: 'live', disabled: false },
    checkout: { variants: { on: true, off: false }, defaultVariant: 'on', disabled: false },
  });

describe('FailClosedProvider', () => {
  it('lets positive answers and ordinary flags through as they are', async () => {
    const client = await clientOf(new FailClosedProvider(inMemory()));
    expect(client.providerStatus).toBe(ProviderStatus.READY);
    expect(client.metadata.providerMetadata.name).toBe('in-memory');
    expect(await client.getStringDetails('kill-switch.mode', 'full_stop')).toMatchObject({
      value: 'live',
      variant: 'live',
    });
    expect(await client.getBooleanDetails('checkout', false)).toMatchObject({
      value: true,
      variant: 'on',
      reason: 'STATIC',
    });
    expect(await client.getBooleanDetails('missing', true)).toMatchObject({ value: true, errorCode: 'FLAG_NOT_FOUND' });
  });

  it.each([
    ['throws', () => Promise.reject(new Error('boom')), 'PROVIDER_ERROR'],
    ['does not know the flag', () => ({ value: 'live', errorCode: 'FLAG_NOT_FOUND' }), 'FLAG_NOT_FOUND'],
    ['is disabled', () => ({ value: 'live', reason: 'DISABLED' }), 'FLAG_DISABLED'],
    ['answers the default without a variant', () => ({ value: 'live', reason: 'DEFAULT' }), 'FLAG_NOT_FOUND'],
    ['answers a number', () => ({ value: 3, variant: 'x' }), 'TYPE_MISMATCH'],
    ['answers an unknown mode', () => ({ value: 'on', variant: 'on' }), 'INVALID_MODE'],
    ['answers nothing', () => undefined, 'PROVIDER_ERROR'],
  ])('gives full_stop to a careless caller without any hook where the resolver %s', async (_what, resolve, code) => {
    const client = await clientOf(new FailClosedProvider(stubProvider(resolve as never)));
    const details = await client.getStringDetails('kill-switch.mode', 'live');
    expect(details).toMatchObject({
      value: 'full_stop',
      variant: 'full_stop',
      reason: 'ERROR',
      flagMetadata: { cause: 'fault', code },
    });
    expect(details.errorCode).toBeUndefined();
  });

  it('gives every kill-switch flag its own safe value, and false, 0 or {} for the wrong type', async () => {
    const client = await clientOf(new FailClosedProvider(stubProvider(() => Promise.reject(new Error('boom')))));
    expect(await client.getStringValue('kill-switch.feature.x', 'live')).toBe('dark');
    expect(await client.getNumberValue('kill-switch.limit.x', 9)).toBe(0);
    expect(await client.getStringValue('kill-switch.autonomy.x', 'trusted')).toBe('human_in_the_loop');
    expect(await client.getBooleanValue('kill-switch.mode', true)).toBe(false);
    expect(await client.getNumberValue('kill-switch.mode', 1)).toBe(0);
    expect(await client.getObjectValue('kill-switch.mode', { a: 1 })).toEqual({});
    expect(await client.getBooleanValue('checkout', true)).toBe(true);
  });

  it('bounds a resolver that hangs, for kill-switch flags and for others', async () => {
    const client = await clientOf(new FailClosedProvider(stubProvider(never), { timeoutMs: 60 }));
    const began = performance.now();
    expect(await faultOf(client)).toBe('DEADLINE_EXCEEDED');
    expect(await client.getBooleanDetails('checkout', true)).toMatchObject({ value: true, errorCode: 'GENERAL' });
    expect(performance.now() - began).toBeLessThan(1000);
  });

  it('bounds an initialize that hangs, answers full_stop meanwhile, and emits READY when it is done after all', async () => {
    let done = (): void => {};
    const inner = stubProvider(live, { initialize: () => new Promise((resolve) => (done = resolve)) });
    const client = await clientOf(new FailClosedProvider(inner, { initializeTimeoutMs: 60 }));
    expect(client.providerStatus).toBe(ProviderStatus.ERROR);
    expect(await modeOf(client)).toBe('full_stop');
    expect(await faultOf(client)).toBe('NOT_READY');
    const ready = nextEvent(client, ProviderEvents.Ready);
    done();
    await ready;
    expect(await modeOf(client)).toBe('live');
  });

  it('stops where initialize has failed, although the resolver would answer', async () => {
    const inner = stubProvider(live, { initialize: () => Promise.reject(new Error('no such host')) });
    const client = await clientOf(new FailClosedProvider(inner));
    expect(await client.getStringDetails('kill-switch.mode', 'live')).toMatchObject({
      value: 'full_stop',
      flagMetadata: { code: 'NOT_READY', message: expect.stringContaining('no such host') },
    });
  });

  it('stops while the inner provider says that it is stale or in error, and goes on when it is READY again', async () => {
    const events = new OpenFeatureEventEmitter();
    const client = await clientOf(new FailClosedProvider(stubProvider(live, { events })));
    expect(await modeOf(client)).toBe('live');
    events.emit(ProviderEvents.Stale, { message: 'cut off' });
    expect(client.providerStatus).toBe(ProviderStatus.STALE);
    expect(await faultOf(client)).toBe('STALE');
    events.emit(ProviderEvents.Error, { message: 'gone' });
    expect(client.providerStatus).toBe(ProviderStatus.ERROR);
    expect(await faultOf(client)).toBe('PROVIDER_ERROR');
    events.emit(ProviderEvents.Ready, {});
    expect(client.providerStatus).toBe(ProviderStatus.READY);
    expect(await modeOf(client)).toBe('live');
    events.emit(ProviderEvents.Error, { message: 'no licence', errorCode: 'PROVIDER_FATAL' } as never);
    expect(client.providerStatus).toBe(ProviderStatus.FATAL);
  });

  it('passes on configuration changes, hooks, tracking and what initialize is given', async () => {
    const events = new OpenFeatureEventEmitter();
    const before = vi.fn();
    const [initialize, track] = [vi.fn(() => Promise.resolve()), vi.fn()];
    const client = await clientOf(
      new FailClosedProvider(stubProvider(live, { events, hooks: [{ before }], initialize, track })),
    );
    const changed = nextEvent(client, ProviderEvents.ConfigurationChanged);
    events.emit(ProviderEvents.ConfigurationChanged, { flagsChanged: ['a'] } as never);
    expect(await changed).toMatchObject({ flagsChanged: ['a'] });
    await modeOf(client);
    client.track('sold', {}, { value: 3 });
    expect(before).toHaveBeenCalledOnce();
    expect(track).toHaveBeenCalledWith('sold', {}, { value: 3 });
    expect(initialize.mock.calls[0]).toEqual(expect.arrayContaining([{}])); // the domain too, in newer SDKs
  });

  it('bounds an onClose that hangs, and answers full_stop afterwards', async () => {
    const provider = new FailClosedProvider(stubProvider(live, { onClose: () => never() }), {
      initializeTimeoutMs: 60,
    });
    await provider.initialize();
    await expect(provider.onClose()).rejects.toThrow('did not close in time');
    const details = await provider.resolveStringEvaluation('kill-switch.mode', 'live', {}, console);
    expect(details).toMatchObject({ value: 'full_stop', flagMetadata: { code: 'CLOSED' } });
  });

  it.each([
    [{ leaseMs: 1000 }, 'leaseMs needs confirm'],
    [{ onNews: () => () => {} }, 'onNews needs confirm'],
    [{ leaseMs: 10, confirm: () => Promise.resolve() }, 'leaseMs must be from 500'],
    [{ timeoutMs: 0 }, 'timeoutMs must be more than 0'],
    [{ timeoutMs: Number.NaN }, 'timeoutMs must be'],
    [{ timeoutMs: 2 ** 31 }, 'at most 600000 milliseconds, not 2147483648'],
  ])('refuses %o', (options, message) => {
    expect(() => new FailClosedProvider(stubProvider(live), options)).toThrow(message);
  });
});

describe('FailClosedProvider with a lease', () => {
  /** A source that can be cut off, and both clocks in hand. */
  const leased = async () => {
    const offset: { -readonly [K in keyof Instant]: number } = { mono: 0, wall: 0 };
    const source = { confirm: (): Promise<void> => Promise.resolve(), asked: 0 };
    const provider = new FailClosedProvider(stubProvider(live), {
      leaseMs: 600,
      initializeTimeoutMs: 400,
      confirm: () => {
        source.asked += 1;
        return source.confirm();
      },
      clock: () => ({ mono: performance.now() + offset.mono, wall: Date.now() + offset.wall }),
    });
    return { provider, source, offset, client: await clientOf(provider) };
  };

  it('confirms at once when there is news, from its start to its end', async () => {
    let news = (): void => {};
    let listening = 0;
    const confirm = vi.fn(() => Promise.resolve());
    const provider = new FailClosedProvider(stubProvider(live), {
      leaseMs: 60_000,
      confirm,
      onNews: (confirmNow) => {
        listening += 1;
        news = confirmNow;
        return () => void (listening -= 1);
      },
    });
    expect(listening).toBe(0);
    await clientOf(provider);
    expect(listening).toBe(1);
    expect(confirm).toHaveBeenCalledTimes(1);
    news();
    await vi.waitFor(() => expect(confirm).toHaveBeenCalledTimes(2));
    await provider.initialize();
    expect(listening).toBe(1);
    await provider.onClose();
    expect(listening).toBe(0);
    const asked = confirm.mock.calls.length;
    news();
    await Promise.resolve();
    expect(confirm).toHaveBeenCalledTimes(asked);
  });

  it('is full_stop once nothing has confirmed for leaseMs, emits ERROR, and recovers by itself', async () => {
    const { client, source } = await leased();
    expect(await modeOf(client)).toBe('live');
    source.confirm = () => Promise.reject(new Error('connection refused'));
    const [stale, error] = [nextEvent(client, ProviderEvents.Stale), nextEvent(client, ProviderEvents.Error)];
    expect(await stale).toMatchObject({ message: 'connection refused' });
    expect(await modeOf(client)).toBe('live');
    expect((await error)['message']).toContain('nothing has confirmed the source for 600 ms: connection refused');
    expect(await faultOf(client)).toBe('STALE');
    const ready = nextEvent(client, ProviderEvents.Ready);
    source.confirm = () => Promise.resolve();
    await ready;
    expect(await modeOf(client)).toBe('live');
  });

  it('ignores a confirmation that hangs, and one that comes too late', async () => {
    const { client, source } = await leased();
    const answers: (() => void)[] = [];
    source.confirm = () => new Promise((resolve) => answers.push(resolve));
    await nextEvent(client, ProviderEvents.Error);
    for (const late of answers) late();
    await Promise.resolve();
    expect(await modeOf(client)).toBe('full_stop');
  });

  it.each([
    ['the monotonic clock jumps over the lease (a suspended process)', { mono: 700, wall: 0 }],
    ['the wall clock jumps over the lease', { mono: 0, wall: 700 }],
    ['the wall clock goes back', { mono: 0, wall: -10_000 }],
  ])('stops at once where %s', async (_what, jump) => {
    const { client, source, offset } = await leased();
    source.confirm = () => never();
    expect(await modeOf(client)).toBe('live');
    Object.assign(offset, jump);
    expect(await faultOf(client)).toBe('STALE');
    Object.assign(offset, { mono: 0, wall: 0 });
    expect(await modeOf(client)).toBe('full_stop'); // a lease that was found over stays over
  });

  it('judges the lease when the answer is there, not when the question was asked', async () => {
    let answer = (): void => {};
    const offset = { mono: 0 };
    const provider = new FailClosedProvider(
      stubProvider(() => new Promise((resolve) => (answer = () => resolve(live())))),
      {
        leaseMs: 60_000,
        confirm: () => Promise.resolve(),
        clock: () => ({ mono: performance.now() + offset.mono, wall: Date.now() }),
      },
    );
    const client = await clientOf(provider);
    const asked = client.getStringDetails('kill-switch.mode', 'live');
    await new Promise((resolve) => setImmediate(resolve));
    offset.mono = 70_000;
    answer();
    expect(await asked).toMatchObject({ value: 'full_stop', flagMetadata: { code: 'STALE' } });
  });

  it('does not start where nothing confirms, and leaves no timer behind when it is closed', async () => {
    const confirm = vi.fn(() => Promise.reject(new Error('refused')));
    const provider = new FailClosedProvider(stubProvider(live), { leaseMs: 500, initializeTimeoutMs: 120, confirm });
    await expect(provider.initialize()).rejects.toThrow('refused');
    await provider.onClose();
    const asked = confirm.mock.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(confirm.mock.calls.length).toBe(asked);
  });
});
