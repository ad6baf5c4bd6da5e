import { InMemoryProvider } from '@openfeature/server-sdk';
import { describe, expect, test } from 'vitest';
import { createKillSwitch } from '../index.ts';
import { openControlPlane } from '../operator/index.ts';
import { KillSwitchProvider } from '../provider/index.ts';
import { memoryControlStore } from '../store/memory/control.ts';
import { memoryStore } from '../store/memory/index.ts';

const executors = memoryStore();
const operators = memoryControlStore(executors);
const provider = new InMemoryProvider({});

const TAKERS: Readonly<Record<string, (store: never) => unknown>> = {
  createKillSwitch: (store) => createKillSwitch({ store }),
  'createKillSwitch beside a provider': (store) => createKillSwitch({ store, provider }),
  KillSwitchProvider: (store) => new KillSwitchProvider({ store }),
  openControlPlane: (store) => openControlPlane({ store, operator: { id: 'ann' } }),
};

const NO_STORES: Readonly<Record<string, readonly [unknown, RegExp]>> = {
  null: [null, /needs a store, such as redis(Control)?Store\(\{ url \}\), not null\./],
  'an empty text': ['', /needs a store, .* not ""\./],
  'the URL of one': ['redis://app:s3cret@redis:6379', /needs a store, .* not "redis:/],
  'the folder of one': ['.kill-switch', /needs a store, .* not "\.kill-switch"\./],
  'its factory, which was not called': [memoryStore, /needs a store, /],
  'a promise of one': [Promise.resolve(executors), /needs a store, /],
  'the options of one': [{ url: 'redis://app:s3cret@redis:6379' }, /needs a store, /],
  'one of an older version': [
    { location: 'memory:', open: executors.open },
    /whose side is undefined; it must be "(executor|operator)"\. It may come from another version of this package\./,
  ],
  'one that cannot be read': [
    new Proxy(executors, {
      get() {
        throw new Error('no answer of redis://app:s3cret@redis:6379');
      },
    }),
    /cannot be read: no answer of /,
  ],
};

const refused = async (take: (store: never) => unknown, store: unknown): Promise<unknown> => {
  try {
    await take(store as never);
    return null;
  } catch (error) {
    return error;
  }
};

describe.each(Object.entries(TAKERS))('%s', (name, take) => {
  test.each(Object.entries(NO_STORES))('refuses as its store %s, without a secret', async (_what, [store, message]) => {
    const error = await refused(take, store);
    expect(error).toMatchObject({ name: 'KillSwitchError', code: 'INVALID_ARGUMENT' });
    expect(String(error)).toMatch(message);
    expect(String(error)).not.toContain('s3cret');
  });

  test('refuses the store of the other side, and names the right one', async () => {
    const isOperator = name === 'openControlPlane';
    const error = await refused(take, isOperator ? executors : operators);
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(String(error)).toContain(
      isOperator
        ? 'It takes memoryControlStore (openfeature-kill-switch/store/memory/control).'
        : 'It takes memoryStore (openfeature-kill-switch/store/memory).',
    );
  });
});

test.each(['createKillSwitch', 'KillSwitchProvider', 'openControlPlane'])(
  '%s refuses that there is none',
  async (name) => {
    expect(await refused(TAKERS[name] ?? (() => null), undefined)).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(`${name} needs a store, `),
    });
  },
);

describe('createKillSwitch', () => {
  test.each([null, '', 'x', 5, {}, { getStringValue: () => 'live' }, Promise.resolve(provider)])(
    'refuses %o as a client and as a provider',
    async (given) => {
      for (const what of ['client', 'provider'])
        expect(await refused(createKillSwitch, { [what]: given })).toMatchObject({
          code: 'INVALID_ARGUMENT',
          message: expect.stringContaining(`The ${what} of createKillSwitch must be an OpenFeature ${what}, such as `),
        });
    },
  );

  test('refuses a client and a provider at once, whatever they are', async () => {
    expect(await refused(createKillSwitch, { client: null, provider })).toMatchObject({
      message: 'createKillSwitch takes a provider or a client, not both.',
    });
  });
});
