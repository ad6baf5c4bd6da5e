import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { InMemoryProvider, OpenFeature } from '@openfeature/server-sdk';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { MODES } from '../../flags/index.ts';
import { createKillSwitch, type KillSwitch } from '../../index.ts';

const opened: KillSwitch[] = [];
afterEach(async () => {
  for (const killSwitch of opened.splice(0)) await killSwitch.close();
  await OpenFeature.clearProviders();
  OpenFeature.clearHooks();
});

const variants = Object.fromEntries(MODES.map((mode) => [mode, mode]));
const flags = (mode: string, guilty = 'full_stop') => ({
  'kill-switch.mode': {
    variants,
    defaultVariant: mode,
    disabled: false,
    contextEvaluator: (context: Record<string, unknown>) => (context['agent_id'] === 'guilty' ? guilty : mode),
  },
});

async function setUp(mode = 'live') {
  const provider = new InMemoryProvider(flags(mode));
  const killSwitch = await createKillSwitch({ provider, domain: `provider-only-${Math.random()}` });
  opened.push(killSwitch);
  return { provider, killSwitch };
}

describe('a kill switch over a provider alone', () => {
  test('takes the mode from there, and check() says that there is no local state', async () => {
    const { killSwitch } = await setUp();
    const action = killSwitch.action({ name: 'a.b', execute: () => 1 });
    expect(await killSwitch.run({ agentId: 'x' }, () => action.attempt(undefined))).toMatchObject({
      status: 'executed',
    });
    expect(await killSwitch.run({ agentId: 'guilty' }, () => action.attempt(undefined))).toMatchObject({
      status: 'blocked',
    });
    expect(killSwitch.check({ agentId: 'x' })).toMatchObject({ verdict: 'block', cause: { code: 'NO_LOCAL_STATE' } });
  });

  test('is not fooled by a hook or a transaction context that names another agent', async () => {
    const { killSwitch } = await setUp();
    OpenFeature.addHooks({ before: () => ({ agent_id: 'innocent' }) });
    const action = killSwitch.action({ name: 'a.b', execute: () => 1 });
    expect(await killSwitch.run({ agentId: 'guilty' }, () => action.attempt(undefined))).toMatchObject({
      status: 'blocked',
    });
    expect(await killSwitch.run({ agentId: 'x' }, () => action.attempt(undefined))).toMatchObject({
      status: 'executed',
    });
  });

  test('blocks what needs a store: confirmed actions, reverse operations, proposals', async () => {
    const { killSwitch, provider } = await setUp();
    const confirmed = killSwitch.action({ name: 'a.confirmed', irreversible: true, execute: () => 1 });
    const reversible = killSwitch.action({
      name: 'a.reversible',
      reverse: { action: 'x', input: () => 1 },
      execute: () => 1,
    });
    const plain = killSwitch.action({ name: 'a.plain', execute: () => 1 });
    const attempt = (action: { attempt(input: undefined): Promise<unknown> }) =>
      killSwitch.run({ agentId: 'x' }, () => action.attempt(undefined));
    for (const action of [confirmed, reversible]) {
      expect(await attempt(action)).toMatchObject({ status: 'blocked', decision: { cause: { code: 'UNSUPPORTED' } } });
    }
    provider.putConfiguration(flags('draft_only'));
    expect(await attempt(plain)).toMatchObject({
      status: 'blocked',
      decision: { cause: { code: 'JOURNAL_UNAVAILABLE' } },
    });
  });

  test('tells work in flight, and wakes what is paused, by the provider’s events', async () => {
    const { killSwitch, provider } = await setUp('paused');
    let started: () => void = () => {};
    const running = new Promise<void>((resolve) => {
      started = resolve;
    });
    const action = killSwitch.action({
      name: 'a.b',
      execute: (_input: undefined, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
          started();
        }),
    });
    const call = killSwitch.run({ agentId: 'x' }, () => action.attempt(undefined, { waitMs: 20_000 }));
    provider.putConfiguration(flags('live'));
    await running;
    provider.putConfiguration(flags('read_only'));
    expect(await call).toMatchObject({ status: 'aborted', landed: 'unknown', decision: { mode: 'read_only' } });
  });

  test.each(['redirect', 'inputSchema'])(
    'decides anew after a slow %s, by what the provider says by then',
    async (what) => {
      const { killSwitch, provider } = await setUp('test_mode');
      const execute = vi.fn();
      let parsed = 0;
      const kill = (): void => provider.putConfiguration(flags('full_stop'));
      const action = killSwitch.action({
        name: 'a.b',
        execute,
        redirect: async (input: number) => {
          if (what === 'redirect') await Promise.resolve().then(kill);
          return input;
        },
        inputSchema: {
          '~standard': {
            version: 1,
            vendor: 'test',
            validate: async (value) => {
              parsed += 1;
              if (what === 'inputSchema' && parsed === 2) await Promise.resolve().then(kill);
              return { value: value as number };
            },
          },
        },
      });
      const outcome = await killSwitch.run({ agentId: 'x' }, () => action.attempt(1));
      expect(outcome).toMatchObject({ status: 'blocked', decision: { mode: 'full_stop' } });
      expect(execute).not.toHaveBeenCalled();
    },
  );

  test('gives no draft that is not allowed any more when its handler has ended', async () => {
    const { killSwitch, provider } = await setUp('draft_only');
    const draft = async (): Promise<string> => {
      await Promise.resolve().then(() => provider.putConfiguration(flags('full_stop')));
      return 'draft';
    };
    const action = killSwitch.action({ name: 'a.b', execute: () => 1, draft });
    const outcome = await killSwitch.run({ agentId: 'x' }, () => action.attempt(undefined));
    expect(outcome).toMatchObject({ status: 'blocked', decision: { mode: 'full_stop' } });
  });

  test('of calls that are begun together and keep the event loop busy, those start no more that come after a change', async () => {
    const { killSwitch, provider } = await setUp();
    const starts: number[] = [];
    const action = killSwitch.action({
      name: 'a.b',
      execute: (call: number) => {
        starts.push(call);
        for (const until = performance.now() + 15; performance.now() < until; );
      },
    });
    const calls = killSwitch.run({ agentId: 'x' }, () =>
      Promise.all(Array.from({ length: 20 }, (_, call) => action.attempt(call))),
    );
    setTimeout(() => provider.putConfiguration(flags('full_stop')), 40);
    const blocked = (await calls).filter(({ status }) => status === 'blocked').length;
    expect(blocked).toBeGreaterThan(5);
    expect(starts.length + blocked).toBe(20);
    expect(starts).toEqual([...starts].sort((a, b) => a - b)); // none is passed over
  });

  test('a run’s signal fires by what the provider says', async () => {
    const { killSwitch, provider } = await setUp();
    await killSwitch.run({ agentId: 'x' }, async ({ signal }) => {
      const fired = new Promise((resolve) => signal.addEventListener('abort', resolve));
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(signal.aborted).toBe(false);
      provider.putConfiguration(flags('full_stop'));
      await fired;
      expect(signal.reason).toMatchObject({ mode: 'full_stop' });
    });
  });

  test('without any provider everything is blocked', async () => {
    const killSwitch = await createKillSwitch({ client: OpenFeature.getClient('nobody-has-set-a-provider-here') });
    opened.push(killSwitch);
    const action = killSwitch.action({ name: 'a.b', execute: () => 1 });
    expect(await killSwitch.run({ agentId: 'x' }, () => action.attempt(undefined))).toMatchObject({
      status: 'blocked',
    });
  });

  test('over a client: closing stops what runs, and nothing starts afterwards though the client still says live', async () => {
    const domain = `provider-only-${Math.random()}`;
    await OpenFeature.setProviderAndWait(domain, new InMemoryProvider(flags('live')));
    const killSwitch = await createKillSwitch({ client: OpenFeature.getClient(domain), agentId: 'x' });
    opened.push(killSwitch);
    let reason: unknown;
    const slow = killSwitch.action({
      name: 'a.slow',
      execute: (_input: undefined, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            ({ reason } = signal);
            reject(new Error('cut'));
          });
          started();
        }),
    });
    let started = (): void => {};
    const isRunning = new Promise<void>((resolve) => {
      started = resolve;
    });
    const running = slow.attempt(undefined);
    await isRunning;
    await killSwitch.close();
    expect(reason).toMatchObject({ verdict: 'block', cause: { code: 'CLOSED' } });
    expect(await running).toMatchObject({ status: 'aborted' });
    const action = killSwitch.action({ name: 'a.late', execute: () => 1 });
    expect(await action.attempt(undefined)).toMatchObject({
      status: 'blocked',
      decision: { cause: { code: 'CLOSED' } },
    });
  });
});

test('two steps of one stream at once each ask for the mode, and so does each action that gave it', async () => {
  const { killSwitch, provider } = await setUp();
  const done: string[] = [];
  const shared = new Duplex({
    read() {
      done.push('read');
      this.push('r');
    },
    write: (piece, _encoding, next) => (done.push(String(piece)), next()),
  });
  const give = killSwitch.action({ name: 'shared.give', execute: (_input: null) => shared });
  const giveAgain = killSwitch.action({ name: 'shared.again', execute: (_input: null) => shared });
  await killSwitch.run({ agentId: 'x' }, () => Promise.all([give(null), giveAgain(null)]));
  await new Promise((resolve) => shared.write('a', resolve));
  expect(done).toEqual(['a']);
  const asked: unknown[] = [];
  const evaluate = provider.resolveStringEvaluation.bind(provider);
  let mode = 'live';
  vi.spyOn(provider, 'resolveStringEvaluation').mockImplementation(async (key, fallback, context, logger) => {
    asked.push(context?.['action']);
    await sleep(20); // as long as a network takes
    return { ...(await evaluate(key, fallback, context, logger)), value: mode, variant: mode };
  });
  shared.read();
  const failed = new Promise((resolve) => shared.write('b', resolve));
  mode = 'full_stop';
  expect(await failed).toMatchObject({ code: 'ABORTED' });
  expect(done).toEqual(['a']);
  expect(new Set(asked)).toEqual(new Set(['shared.give', 'shared.again']));
});
