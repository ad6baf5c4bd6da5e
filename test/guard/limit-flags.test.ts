import {
  type EvaluationContext,
  InMemoryProvider,
  MultiProvider,
  OpenFeature,
  type Provider,
} from '@openfeature/server-sdk';
import { describe, expect, test, vi } from 'vitest';
import type { CreateKillSwitchOptions } from '../../index.ts';
import { createKillSwitch } from '../../index.ts';
import { KillSwitchProvider, StrictestWinsStrategy } from '../../provider/index.ts';
import { closeAfterwards, openMemorySwitch } from './open-switch.ts';

type Flags = ConstructorParameters<typeof InMemoryProvider>[0];
type Value = number | string | boolean;

const KEY = 'kill-switch.limit.refund.max';
const live: Flags = { 'kill-switch.mode': { variants: { live: 'live' }, defaultVariant: 'live', disabled: false } };
const limit = (value: Value, more: object = {}): Flags => ({
  ...live,
  [KEY]: { variants: { set: value } as never, defaultVariant: 'set', disabled: false, ...more },
});

const LIMITS = { 'refund.max': { max: 200, of: (input: number) => input } };
let domains = 0;

async function open(options: CreateKillSwitchOptions) {
  domains += 1;
  const killSwitch = await createKillSwitch({ agentId: 'x', domain: `limit-flags-${domains}`, ...options });
  closeAfterwards(killSwitch);
  const refund = killSwitch.action({ name: 'payments.refund', limits: LIMITS, execute: (input) => input });
  const passes = async (input: number): Promise<boolean> => (await refund.attempt(input)).status === 'executed';
  /** The highest whole amount up to 300 that passes; null where none does. */
  const most = async (): Promise<number | null> => {
    let found: number | null = null;
    for (const input of [0, 29, 30, 31, 199, 200, 201, 300]) if (await passes(input)) found = input;
    return found;
  };
  return { killSwitch, refund, most };
}

/** Each way in which a client is asked: the app's own, or that of a provider which the switch has made fail closed. */
const WAYS: ReadonlyArray<readonly [string, (provider: Provider) => Promise<CreateKillSwitchOptions>]> = [
  ['a provider', async (provider) => ({ provider })],
  [
    'a client',
    async (provider) => {
      domains += 1;
      await OpenFeature.setProviderAndWait(`app-${domains}`, provider);
      return { client: OpenFeature.getClient(`app-${domains}`) };
    },
  ],
];

describe.each(WAYS)('a limit whose flag %s serves', (way, given) => {
  const withFlags = async (flags: Flags) => open(await given(new InMemoryProvider(flags)));

  test('can be lowered by it, and not be raised', async () => {
    expect(await (await withFlags(limit(30))).most()).toBe(30);
    expect(await (await withFlags(limit(0))).most()).toBe(0);
    expect(await (await withFlags(limit(1000))).most()).toBe(200);
  });

  test.each<[string, Flags]>([
    ['missing', live],
    ['a text', limit('30')],
    ['true', limit(true)],
    ['negative', limit(-1)],
    ['NaN', limit(Number.NaN)],
    ['infinite', limit(Number.NEGATIVE_INFINITY)],
    ['disabled', limit(30, { disabled: true })],
    [
      'one that throws',
      limit(30, {
        contextEvaluator() {
          throw new Error('boom');
        },
      }),
    ],
    ['without a default', limit(30, { defaultVariant: 'none' })],
  ])('stands where the flag is %s', async (_what, flags) => {
    expect(await (await withFlags(flags)).most()).toBe(200);
  });

  test('is asked for who calls, and again for each call', async () => {
    const seen: EvaluationContext[] = [];
    const { killSwitch, refund } = await withFlags(
      limit(30, {
        variants: { low: 30, high: 100 },
        contextEvaluator: (context: EvaluationContext) => {
          seen.push(context);
          return context['agent_id'] === 'careful' ? 'low' : 'high';
        },
      }),
    );
    const as = (agentId: string, amount: number) => killSwitch.run({ agentId }, () => refund.attempt(amount));
    expect((await as('careful', 50)).status).toBe('blocked');
    expect((await as('bold', 50)).status).toBe('executed');
    expect((await as('bold', 101)).decision.cause).toEqual({
      kind: 'limit',
      limit: 'refund.max',
      value: 101,
      max: 100,
    });
    expect(seen.length).toBeGreaterThanOrEqual(3); // more, where a busy event loop makes a call be decided again
    expect([...new Set(seen.map(({ agent_id, action }) => `${String(agent_id)} ${String(action)}`))]).toEqual([
      'careful payments.refund',
      'bold payments.refund',
    ]);
  });

  test('costs an action without limits nothing', async () => {
    const provider = new InMemoryProvider(limit(30));
    const asked = vi.spyOn(provider, 'resolveNumberEvaluation');
    const { killSwitch, refund } = await open(await given(provider));
    const other = killSwitch.action({ name: 'mail.send', limits: {}, execute: () => 1 });
    await other.attempt(undefined);
    expect(asked).not.toHaveBeenCalled();
    await refund.attempt(1);
    expect(asked).toHaveBeenCalled();
  });

  test('stands where the flag is not answered in time, and the call does not hang', { timeout: 20_000 }, async () => {
    const provider = new InMemoryProvider(limit(30));
    provider.resolveNumberEvaluation = () => new Promise(() => {});
    const { refund } = await open(await given(provider));
    expect((await refund.attempt(200)).status).toBe('executed');
    expect((await refund.attempt(201)).status).toBe('blocked');
  });

  test('is not raised by a hook of the application, beyond what is in code', async () => {
    OpenFeature.addHooks({
      finally(_context, details) {
        if (details.flagKey === KEY) Object.assign(details, { value: 1e9, variant: 'high' });
      },
    });
    const { refund } = await withFlags(limit(30));
    expect((await refund.attempt(201)).status).toBe('blocked');
    // Of a provider that was handed over what it has answered is known; of a client only what it says.
    expect((await refund.attempt(31)).status).toBe(way === 'a provider' ? 'blocked' : 'executed');
  });
});

describe('where a store stands beside the client', () => {
  const both = async (inStore: number | null, flags: Flags) => {
    const { control, store } = await openMemorySwitch();
    if (inStore !== null) await control.setLimit({ name: 'refund.max', value: inStore, reason: 'test' });
    return open({ store, provider: new InMemoryProvider(flags) });
  };

  test('the stricter of the two counts', async () => {
    expect(await (await both(30, limit(100))).most()).toBe(30);
    expect(await (await both(100, limit(30))).most()).toBe(30);
    expect(await (await both(null, limit(30))).most()).toBe(30);
    expect(await (await both(30, live)).most()).toBe(30);
  });

  test('a source of the strictest that has no such flag hides none that has one', async () => {
    const { store, control } = await openMemorySwitch();
    const sources = (flags: Flags): Provider =>
      new MultiProvider(
        [
          { provider: new KillSwitchProvider({ store }), name: 'switch' },
          { provider: new InMemoryProvider(flags), name: 'flags' },
        ],
        new StrictestWinsStrategy(),
      );
    expect(await (await open({ provider: sources(limit(30)) })).most()).toBe(30);
    expect(await (await open({ provider: sources(live) })).most()).toBe(200);
    await control.setLimit({ name: 'refund.max', value: 29, reason: 'test' });
    expect(await (await open({ provider: sources(limit(30)) })).most()).toBe(29);
    expect(await (await open({ provider: sources(live) })).most()).toBe(29);
  });
});

test('over a store alone no client is asked: the local copy has all', async () => {
  const { killSwitch, control, domain } = await openMemorySwitch({ agentId: 'x' });
  const refund = killSwitch.action({ name: 'payments.refund', limits: LIMITS, execute: (input) => input });
  await control.setLimit({ name: 'refund.max', value: 30, reason: 'test' });
  const asked = vi.spyOn(OpenFeature.getProvider(domain), 'resolveNumberEvaluation');
  await vi.waitFor(async () => expect((await refund.attempt(31)).status).toBe('blocked'));
  expect((await refund.attempt(30)).status).toBe('executed');
  expect(asked).not.toHaveBeenCalled();
});

test('a client that cannot be asked for numbers is refused by name, where an action has limits', async () => {
  const client = { getStringDetails: async () => ({ value: 'live', variant: 'live' }) };
  domains += 1;
  const killSwitch = await createKillSwitch({
    client: client as never,
    domain: `limit-flags-${domains}`,
    agentId: 'x',
  });
  closeAfterwards(killSwitch);
  expect(await killSwitch.action({ name: 'a.b', execute: () => 1 })(undefined)).toBe(1);
  expect(() => killSwitch.action({ name: 'a.c', limits: LIMITS, execute: (input: number) => input })).toThrow(
    'The action a.c has limits, and the client of createKillSwitch has no getNumberDetails to ask for their flags',
  );
});
