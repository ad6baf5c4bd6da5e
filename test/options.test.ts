import { InMemoryProvider } from '@openfeature/server-sdk';
import { describe, expect, test } from 'vitest';
import { FailClosedProvider, KillSwitchProvider, StrictestWinsStrategy } from '../provider/index.ts';
import { FlagdKillSwitchProvider } from '../provider/flagd/index.ts';
import { connectExecutor } from '../store/connect-executor.ts';
import { fileControlStore } from '../store/file/control.ts';
import { fileStore } from '../store/file/index.ts';
import { memoryControlStore } from '../store/memory/control.ts';
import { Memory, memoryStore } from '../store/memory/index.ts';
import { redisControlStore } from '../store/redis/control.ts';
import { redisStore } from '../store/redis/index.ts';
import { fakeClock, providerConformance, startFaultProxy, storeConformance } from '../testing/index.ts';

interface Case {
  /** Makes it with these options, which the compiler would not let through. */
  readonly make: (options: never) => unknown;
  /** Every option there is, with a value that is allowed. */
  readonly right: Readonly<Record<string, unknown>>;
  /** Wrong keys, each with the one that is meant. */
  readonly wrong: Readonly<Record<string, string>>;
}

const clock = fakeClock();
const url = 'redis://127.0.0.1:1';
const node = { host: '127.0.0.1', port: 7000 };
const store = memoryStore();
const { replica } = connectExecutor({ store, organizationId: 'default', leaseMs: 5000 });
const confirm = async (): Promise<void> => {};
const open = (): never => {
  throw new Error('nothing is opened in this test');
};

const CASES: Readonly<Record<string, Case>> = {
  memoryStore: {
    make: memoryStore,
    right: { memory: new Memory(), anchor: '/tmp/anchor' },
    wrong: { memry: 'memory', anchors: 'anchor' },
  },
  memoryControlStore: { make: memoryControlStore, right: { memory: store.memory }, wrong: { memry: 'memory' } },
  Memory: { make: (options) => new Memory(options), right: { clock }, wrong: { clok: 'clock' } },
  fileStore: {
    make: fileStore,
    right: { directory: '/tmp/ks', anchor: '/tmp/anchor' },
    wrong: { dir: 'directory', path: 'directory', anchr: 'anchor' },
  },
  fileControlStore: {
    make: fileControlStore,
    right: { directory: '/tmp/ks', clock },
    wrong: { dir: 'directory', clck: 'clock' },
  },
  redisStore: {
    make: (options) => redisStore({ url, ...(options as object) }),
    right: { url, options: {}, cluster: [node], replicas: 1, anchor: '/tmp/anchor' },
    wrong: { replica: 'replicas', uri: 'url', anchors: 'anchor', option: 'options', clusters: 'cluster' },
  },
  'options of redisStore': {
    make: (options) => redisStore({ url, options }),
    right: { username: 'u', keyPrefix: 'p', tls: {}, connectionName: 'x', sentinelRetryStrategy: null, unheardOf: 1 },
    wrong: {
      keyprefix: 'keyPrefix',
      user: 'username',
      sentinelTls: 'sentinelTLS',
      sentinel: 'sentinels',
      database: 'db',
    },
  },
  'a cluster node of redisStore': {
    make: (options) => redisStore({ url, cluster: [options] }),
    right: node,
    wrong: { hots: 'host', prot: 'port' },
  },
  redisControlStore: {
    make: (options) => redisControlStore({ url, ...(options as object) }),
    right: { url, options: {}, cluster: [node], replicas: 1 },
    wrong: { replica: 'replicas', uri: 'url' },
  },
  KillSwitchProvider: {
    make: (options) => new KillSwitchProvider(options),
    right: { store, organizationId: 'acme', leaseMs: 1000, hooks: [] },
    wrong: { leasems: 'leaseMs', organisationId: 'organizationId', stores: 'store', hook: 'hooks' },
  },
  'KillSwitchProvider over a replica': {
    make: (options) => new KillSwitchProvider({ replica, ...(options as object) }),
    right: { replica, hooks: [] },
    wrong: { hook: 'hooks' },
  },
  FailClosedProvider: {
    make: (options) => new FailClosedProvider(new InMemoryProvider(), options),
    right: {
      ...{ timeoutMs: 100, initializeTimeoutMs: 100, leaseMs: 1000, confirm, clock },
      onNews: () => () => {},
    },
    wrong: { deadline: 'timeoutMs', timeout: 'timeoutMs', confrim: 'confirm', leasems: 'leaseMs', onnews: 'onNews' },
  },
  StrictestWinsStrategy: {
    make: (options) => new StrictestWinsStrategy(options),
    right: { timeoutMs: 100, initializeTimeoutMs: 100 },
    wrong: { timeout: 'timeoutMs', initialiseTimeoutMs: 'initializeTimeoutMs' },
  },
  FlagdKillSwitchProvider: {
    make: (options) => new FlagdKillSwitchProvider(options),
    right: {
      ...{ host: 'flagd', port: 8013, socketPath: '/run/flagd.sock', resolverType: 'rpc', tls: false },
      ...{ certPath: '/etc/ca.pem', defaultAuthority: 'flagd', selector: 's', organizationId: 'acme', expect: 'any' },
      ...{ deadlineMs: 100, leaseMs: 1000, contextEnricher: () => ({}), hooks: [], logger: console, clock },
    },
    wrong: { organisationId: 'organizationId', expects: 'expect', resolver: 'resolverType', timeoutMs: 'deadlineMs' },
  },
  fakeClock: { make: fakeClock, right: { wall: 0, mono: 0 }, wrong: { wal: 'wall' } },
  startFaultProxy: {
    make: async (options) => (await startFaultProxy({ port: 1, ...(options as object) })).stop(),
    right: { port: 1, host: '127.0.0.1', listenPort: 0, delayMs: 0 },
    wrong: { listenport: 'listenPort', hots: 'host' },
  },
  storeConformance: { make: storeConformance, right: { open }, wrong: { opn: 'open' } },
  providerConformance: { make: providerConformance, right: { open }, wrong: { opn: 'open' } },
};

/** What it rejects with or throws; null when nothing. */
const failure = async (make: Case['make'], options: unknown): Promise<unknown> => {
  try {
    await make(options as never);
    return null;
  } catch (error) {
    return error;
  }
};

describe.each(Object.entries(CASES))('%s', (_what, { make, right, wrong }) => {
  test('takes every option that there is', async () => {
    expect(await failure(make, right)).toBeNull();
  });

  test.each(Object.entries(wrong))('refuses %s at once, and names %s', async (key, meant) => {
    expect(await failure(make, { ...right, [key]: 1 })).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(`Did you mean "${meant}"?`),
    });
  });
});

describe('An option that is nothing like any other', () => {
  const own = Object.entries(CASES).filter(([what]) => what !== 'options of redisStore');
  test.each(own)('is refused by %s with the list of those that there are', async (_what, { make, right }) => {
    const refused = await failure(make, { ...right, zzzzzzzzzz: 1 });
    expect(refused).toMatchObject({ code: 'INVALID_ARGUMENT' });
    const [, there = ''] = String(refused).split('There are: ');
    expect(there.slice(0, -1).split(', ').sort()).toEqual(Object.keys(right).sort());
  });
});

test.each(Object.entries(CASES).filter(([what]) => !/redis|over a replica|startFaultProxy/.test(what)))(
  '%s refuses options that are no object',
  async (_what, { make }) => {
    expect(await failure(make, null)).toMatchObject({ code: 'INVALID_ARGUMENT' });
  },
);

test('memoryControlStore takes a memory store as it is', () => {
  expect(memoryControlStore(store).side).toBe('operator');
});
