import { InMemoryProvider, OpenFeature } from '@openfeature/server-sdk';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { MODES, type Mode } from '../../flags/index.ts';
import { type CreateKillSwitchOptions, createKillSwitch, type KillSwitch, type Run } from '../../index.ts';
import { Replica } from '../../store/replica.ts';
import { closeAfterwards, openSwitch, type Sides } from './open-switch.ts';

/** One way to wire a switch: from where it takes the mode, all of it in the same mode. */
export interface Wiring {
  readonly name: string;
  readonly hasStore: boolean;
  readonly open: (mode: Mode) => Promise<KillSwitch>;
}

let domains = 0;

/** A client and a provider that go on to say what they said, whatever the switch does. */
async function elsewhere(mode: Mode) {
  const variants = Object.fromEntries(MODES.map((name) => [name, name]));
  const provider = new InMemoryProvider({ 'kill-switch.mode': { variants, defaultVariant: mode, disabled: false } });
  domains += 1;
  const domain = `elsewhere-${domains}`;
  await OpenFeature.setProviderAndWait(domain, provider);
  return { provider, client: OpenFeature.getClient(domain) };
}

/** All wirings with one kind of store: alone, and beside a provider or a client. */
export const withStore = (store: string, open: () => Sides | Promise<Sides>): readonly Wiring[] =>
  [
    { name: `{ store } over ${store}`, beside: async () => ({}) },
    {
      name: `{ provider, store } over ${store}`,
      beside: async (mode: Mode) => ({ provider: (await elsewhere(mode)).provider }),
    },
    {
      name: `{ client, store } over ${store}`,
      beside: async (mode: Mode) => ({ client: (await elsewhere(mode)).client }),
    },
  ].map(({ name, beside }) => ({
    name,
    hasStore: true,
    open: async (mode) => (await openSwitch(await open(), { mode, agentId: 'x', ...(await beside(mode)) })).killSwitch,
  }));

const opened = async (options: CreateKillSwitchOptions): Promise<KillSwitch> => {
  domains += 1;
  const killSwitch = await createKillSwitch({ agentId: 'x', domain: `closed-${domains}`, ...options });
  closeAfterwards(killSwitch);
  return killSwitch;
};

/** All wirings without a store. */
export const WITHOUT_STORE: readonly Wiring[] = [
  {
    name: '{ provider }',
    hasStore: false,
    open: async (mode) => opened({ provider: (await elsewhere(mode)).provider }),
  },
  { name: '{ client }', hasStore: false, open: async (mode) => opened({ client: (await elsewhere(mode)).client }) },
];

const CLOSED = { verdict: 'block', cause: { kind: 'fault', code: 'CLOSED' } };
const BLOCKED = { status: 'blocked', decision: CLOSED };

/** Something that is reached, and held there until it is let go. */
function gate() {
  let [reach, letGo] = [(): void => {}, (): void => {}];
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const open = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const pass = async (): Promise<void> => {
    reach();
    await open;
  };
  return { reached, pass, letGo: () => letGo() };
}

/** Holds the next evaluation of the mode. */
function holdEvaluation() {
  const { pass, ...held } = gate();
  OpenFeature.addHooks({ before: pass });
  return held;
}

export function describeClosing(wirings: readonly Wiring[]): void {
  describe.each(wirings)('closing a switch of $name', ({ open }) => {
    test('blocks everything that is begun afterwards, in every form', async () => {
      const killSwitch = await open('live');
      const execute = vi.fn();
      const action = killSwitch.action({ name: 'a.b', effect: 'read', execute });
      const tick = vi.fn();
      const job = killSwitch.job({ agentId: 'x' }, tick);
      let bound = async (): Promise<unknown> => null;
      let before: Run | undefined;
      await killSwitch.run({ agentId: 'y' }, (run) => {
        bound = run.bind(() => action.attempt(undefined));
        before = run;
      });
      expect(await action.attempt(undefined)).toMatchObject({ status: 'executed' });
      execute.mockClear();
      await killSwitch.close();
      expect(killSwitch.check()).toMatchObject(CLOSED);
      expect(await action.attempt(undefined)).toMatchObject(BLOCKED);
      await expect(action(undefined)).rejects.toMatchObject({ code: 'BLOCKED', decision: CLOSED });
      expect(await bound()).toMatchObject({ ...BLOCKED, decision: { ...CLOSED, agentId: 'y' } });
      expect(await before?.attempt(action, undefined)).toMatchObject(BLOCKED);
      expect(await job()).toMatchObject({ status: 'skipped', decision: CLOSED });
      await killSwitch.run({ agentId: 'x' }, async (run) => {
        expect(run.signal.aborted).toBe(true);
        expect(run.signal.reason).toMatchObject(CLOSED);
        expect(await action.attempt(undefined)).toMatchObject(BLOCKED);
        await expect(run.checkpoint('next')).rejects.toMatchObject({ code: 'BLOCKED', decision: CLOSED });
      });
      expect([execute.mock.calls, tick.mock.calls]).toEqual([[], []]);
    });

    test('ends the wait of all that are paused', async () => {
      const killSwitch = await open('paused');
      const execute = vi.fn();
      const action = killSwitch.action({ name: 'a.b', execute });
      const { reached, letGo } = holdEvaluation();
      const call = action(undefined).catch((error: unknown) => error);
      const checkpoint = killSwitch
        .run({ agentId: 'x' }, (run) => run.checkpoint('next'))
        .catch((error: unknown) => error);
      await reached;
      letGo();
      await new Promise((resolve) => setTimeout(resolve, 50));
      void killSwitch.close();
      expect(await call).toMatchObject({ code: 'BLOCKED', decision: CLOSED });
      expect(await checkpoint).toMatchObject({ code: 'BLOCKED', decision: CLOSED });
      expect(execute).not.toHaveBeenCalled();
    });

    test('blocks what is being decided', async () => {
      const killSwitch = await open('live');
      const execute = vi.fn();
      const action = killSwitch.action({ name: 'a.b', execute });
      const tick = vi.fn();
      const { reached, letGo } = holdEvaluation();
      const call = action.attempt(undefined);
      const ticked = killSwitch.job({ agentId: 'x' }, tick)();
      const checkpoint = killSwitch
        .run({ agentId: 'x' }, (run) => run.checkpoint('next'))
        .catch((error: unknown) => error);
      await reached;
      const closing = killSwitch.close();
      letGo();
      expect(await call).toMatchObject(BLOCKED);
      expect(await ticked).toMatchObject({ status: 'skipped', decision: CLOSED });
      expect(await checkpoint).toMatchObject({ code: 'BLOCKED', decision: CLOSED });
      await closing;
      expect([execute.mock.calls, tick.mock.calls]).toEqual([[], []]);
    });

    test.each([
      ['draft', 'draft_only'],
      ['redirect', 'test_mode'],
      ['inputSchema', 'live'],
    ] as const)('blocks what a %s handler works for', async (kind, mode) => {
      const killSwitch = await open(mode);
      const execute = vi.fn();
      const { reached, pass, letGo } = gate();
      const signals: AbortSignal[] = [];
      const handler = async (input: string, context?: { readonly signal: AbortSignal }): Promise<string> => {
        if (context) signals.push(context.signal);
        await pass();
        return input;
      };
      const validate = async (input: unknown) => ({ value: await handler(String(input)) });
      const handlers = {
        draft: { draft: handler },
        redirect: { redirect: handler },
        inputSchema: { inputSchema: { '~standard': { version: 1 as const, vendor: 'test', validate } } },
      };
      const action = killSwitch.action({ name: 'a.b', execute, ...handlers[kind] });
      const call = action.attempt('it');
      await reached;
      for (const { aborted } of signals) expect(aborted).toBe(false);
      const closing = killSwitch.close();
      for (const { reason } of signals) expect(reason).toMatchObject(CLOSED); // in the very turn
      letGo();
      expect(await call).toMatchObject(BLOCKED);
      await closing;
      expect(signals).toHaveLength(kind === 'inputSchema' ? 0 : 1);
      expect(execute).not.toHaveBeenCalled();
    });

    test('blocks what waits for its turn to start', async () => {
      const killSwitch = await open('live');
      let closing: Promise<void> | undefined;
      const execute = vi.fn(() => {
        closing = killSwitch.close();
        for (const until = performance.now() + 15; performance.now() < until; );
      });
      const action = killSwitch.action({ name: 'a.b', execute });
      const outcomes = await Promise.all(Array.from({ length: 10 }, () => action.attempt(undefined)));
      expect(execute).toHaveBeenCalledTimes(1);
      expect(outcomes.filter(({ status }) => status === 'blocked')).toHaveLength(9);
      for (const { decision } of outcomes.slice(1)) expect(decision).toMatchObject(CLOSED);
      await closing;
    });

    test('aborts what is in flight, in the same turn in which it is closed', async () => {
      const killSwitch = await open('live');
      const { reached, pass, letGo } = gate();
      let signal: AbortSignal | undefined;
      const action = killSwitch.action({
        name: 'a.b',
        execute: async (_input: undefined, context) => {
          ({ signal } = context);
          await pass();
        },
      });
      const steps = killSwitch.action({
        name: 'a.steps',
        execute: async function* () {
          for (let step = 0; ; step += 1) yield step;
        },
      });
      await killSwitch.run({ agentId: 'x' }, async (run) => {
        const running = run.signal;
        const call = action.attempt(undefined);
        const stepping = await steps(undefined);
        expect(await stepping.next()).toEqual({ done: false, value: 0 });
        await reached;
        expect([signal?.aborted, running.aborted]).toEqual([false, false]);
        const closing = killSwitch.close();
        expect(signal?.reason).toMatchObject(CLOSED);
        expect(running.reason).toMatchObject(CLOSED);
        expect(killSwitch.close()).toBe(closing);
        await expect(stepping.next()).rejects.toMatchObject({ code: 'ABORTED', decision: CLOSED });
        letGo();
        expect(await call).toMatchObject({ status: 'aborted', landed: 'unknown', decision: CLOSED });
        await closing;
      });
    });
  });

  describe.each(wirings.filter(({ hasStore }) => hasStore))('closing a switch of $name', ({ open }) => {
    test('blocks what the store has just confirmed', async () => {
      const killSwitch = await open('live');
      const execute = vi.fn();
      const action = killSwitch.action({ name: 'a.b', irreversible: true, execute });
      expect(await action.attempt(undefined)).toMatchObject({ status: 'executed' });
      const { reached, pass, letGo } = gate();
      const { confirmNow } = Replica.prototype;
      const held = vi.spyOn(Replica.prototype, 'confirmNow').mockImplementation(async function (this: Replica, ms) {
        const outcome = await confirmNow.call(this, ms);
        await pass();
        return outcome;
      });
      onTestFinished(() => held.mockRestore());
      const call = action.attempt(undefined);
      await reached;
      const closing = killSwitch.close();
      letGo();
      expect(await call).toMatchObject(BLOCKED);
      await closing;
      expect(execute).toHaveBeenCalledTimes(1);
    });
  });
}
