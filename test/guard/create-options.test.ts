import { InMemoryProvider } from '@openfeature/server-sdk';
import { describe, expect, test } from 'vitest';
import { switchSettings } from '../../guard/create-options.ts';
import { memoryStore } from '../../store/memory/index.ts';

const store = memoryStore();
const provider = new InMemoryProvider({});
const client = { getStringDetails: async () => ({}) as never, getNumberDetails: async () => ({}) as never };

test('a switch of which only a store is known has the defaults', () => {
  expect(switchSettings({ store })).toEqual({
    source: { is: 'store', store },
    store,
    domain: 'kill-switch',
    organizationId: 'default',
    executorName: undefined,
    leaseMs: 5000,
    agentId: undefined,
    requireRun: false,
    redact: undefined,
    handlerTimeoutMs: 10_000,
  });
});

test('what is given is taken', () => {
  const redact = (input: unknown): unknown => input;
  const given = { domain: 'd', organizationId: 'o', leaseMs: 700, agentId: 'x', requireRun: true, redact };
  expect(
    switchSettings({ store, ...given, handlerTimeoutMs: 2_147_483_647, executor: { name: 'mailer' } }),
  ).toMatchObject({ ...given, executorName: 'mailer', handlerTimeoutMs: 2_147_483_647 });
});

test('the mode is asked of the provider or client where there is one, and the store is followed beside it', () => {
  expect(switchSettings({ store, provider })).toMatchObject({ source: { is: 'provider', provider }, store });
  expect(switchSettings({ store, client })).toMatchObject({ source: { is: 'client', client }, store });
  expect(switchSettings({ provider })).toMatchObject({ source: { is: 'provider' }, store: null });
  expect(switchSettings({ client })).toMatchObject({ source: { is: 'client' }, store: null });
});

describe('refused', () => {
  test.each<[string, object, string]>([
    ['both sources', { provider, client }, 'createKillSwitch takes a provider or a client, not both.'],
    [
      'no source',
      { store: undefined },
      'createKillSwitch needs a store, for instance redisStore({ url }), or a provider or client that serves kill-switch.mode.',
    ],
    ['a short lease', { leaseMs: 499 }, 'leaseMs'],
    ['a long lease', { leaseMs: 60_001 }, 'leaseMs'],
    ['no time for handlers', { handlerTimeoutMs: 0 }, 'handlerTimeoutMs'],
    ['more time for handlers than a timer can last', { handlerTimeoutMs: 2_147_483_648 }, 'handlerTimeoutMs'],
    ['an agent without a name', { agentId: '' }, 'agentId '],
    ['an executor without a name', { executor: { name: '' } }, 'executor.name '],
    ['an executor that is none', { executor: 'mailer' }, 'executor'],
    ['a domain without a name', { domain: '' }, 'domain '],
    ['an organisation without a name', { organizationId: '' }, 'organizationId '],
    ['requireRun of another type', { requireRun: 1 }, 'requireRun must be true or false, not 1.'],
  ])('%s', (_what, options, message) => {
    const all = { store, ...options };
    expect(() => switchSettings(all)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) }),
    );
  });
});
