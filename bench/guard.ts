import { InMemoryProvider, OpenFeature } from '@openfeature/server-sdk';
import { Redis } from 'ioredis';
import { createKillSwitch, type KillSwitch } from '../index.ts';
import { openControlPlane } from '../operator/index.ts';
import { memoryControlStore } from '../store/memory/control.ts';
import { memoryStore } from '../store/memory/index.ts';
import { redisControlStore } from '../store/redis/control.ts';
import { redisStore } from '../store/redis/index.ts';
import type { Bench, Measurement } from './measurement.ts';
import { change, kill, plan, revive, START } from './operate.ts';
import { type Result, result } from './results.ts';
import { interleave, median, quantile, ratioOf, turn } from './rounds.ts';

/** What the guard costs, and how soon work in flight is told. */
export const guard: Measurement = {
  name: 'guard',
  async run(bench) {
    return [await guardedCall(bench), ...(await pausedCalls(bench)), ...(await stopLatency(bench))];
  },
};

async function guardedCall({ quick, say }: Bench): Promise<Result> {
  const perRound = quick ? 50 : 2000;
  const { killSwitch, close } = await liveMemorySwitch('bench-guard');
  await OpenFeature.setProviderAndWait('bench-guard-floor', inMemory());
  const bare = OpenFeature.getClient('bench-guard-floor');
  const action = killSwitch.action({ name: 'bench.write', execute: (input: number) => input + 1 });
  const context = { targetingKey: 'r-1', agent_id: 'x', run_id: 'r-1', action: 'bench.write', effect: 'write' };
  const hooks = OpenFeature.getHooks();
  say('guarded calls');
  const numbers = await interleave(
    {
      bare: async () => {
        OpenFeature.clearHooks();
        const started = performance.now();
        for (let index = 0; index < perRound; index += 1)
          await bare.getStringDetails('kill-switch.mode', 'full_stop', context);
        const each = ((performance.now() - started) * 1000) / perRound;
        OpenFeature.addHooks(...hooks);
        return each;
      },
      guarded: () =>
        killSwitch.run({ agentId: 'x' }, async () => {
          const started = performance.now();
          for (let index = 0; index < perRound; index += 1) await action(index);
          return ((performance.now() - started) * 1000) / perRound;
        }),
    },
    quick ? { rounds: 4 } : { rounds: 60, warmUp: 15 },
  );
  await close();
  return result({
    name: 'live guarded call ÷ bare client.getStringDetails on the InMemoryProvider',
    unit: 'µs',
    value: median(numbers.guarded),
    floor: median(numbers.bare),
    ratio: ratioOf(numbers.guarded, numbers.bare),
    goal: 1.1,
    how: 'action() in a run, memory store, with the fail-closed hook that createKillSwitch adds; floor: one evaluation without hooks',
  });
}

async function pausedCalls({ quick, say }: Bench): Promise<Result[]> {
  const calls = quick ? 100 : 10_000;
  const { killSwitch, control, close } = await liveMemorySwitch('bench-paused');
  await control.setMode({ mode: 'paused' });
  while (killSwitch.check({ agentId: 'x' }).verdict !== 'pause') await turn();
  const action = killSwitch.action({ name: 'bench.write', execute: (input: number) => input });
  say(`${calls} calls that wait for a pause to end`);
  const heap = (): number => {
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  };
  const before = heap();
  const waiting = killSwitch.run({ agentId: 'x' }, () =>
    Promise.all(Array.from({ length: calls }, (_, index) => action(index))),
  );
  for (let turns = 0; turns < 50; turns += 1) await turn();
  const bytes = (heap() - before) / calls;
  const started = performance.now();
  await Promise.all([control.setMode({ mode: 'live', reason: 'bench' }), waiting]);
  const releaseMs = performance.now() - started;
  // The floor of a release: the same number of bare evaluations, all at once.
  const bare = OpenFeature.getClient('bench-guard-floor');
  const since = performance.now();
  await Promise.all(Array.from({ length: calls }, () => bare.getStringDetails('kill-switch.mode', 'full_stop')));
  const floorMs = performance.now() - since;
  await close();
  return [
    result({
      name: `memory of one waiting paused call ÷ one bare pending promise`,
      unit: 'kB',
      value: bytes / 1024,
      floor: promiseBytes(calls, heap) / 1024,
      goal: 16,
      judged: 'value',
      how: `heap of ${calls} calls that wait in one run, each with its intervention recorded`,
    }),
    result({
      name: `${calls.toLocaleString('en')} paused calls released ÷ as many bare evaluations at once`,
      unit: 'ms',
      value: releaseMs,
      floor: floorMs,
      goal: 1000,
      judged: 'value',
      how: 'from the moment that the pause is lifted, in a memory store, until every call has its result',
    }),
  ];
}

function promiseBytes(count: number, heap: () => number): number {
  const before = heap();
  const pending = Array.from({ length: count }, () => new Promise(() => {}));
  const bytes = (heap() - before) / count;
  return pending.length > 0 ? Math.max(1, bytes) : 1;
}

async function stopLatency({ quick, redis, say }: Bench): Promise<Result[]> {
  const rounds = quick ? 3 : 200;
  const { url } = await redis();
  const organizationId = 'bench-stop';
  const control = redisControlStore({ url }).open({ organizationId, requestTimeoutMs: 2000 });
  for (const command of START) await change(control, command);
  const killSwitch = await createKillSwitch({
    store: redisStore({ url }),
    organizationId,
    domain: 'bench-stop',
    leaseMs: 60_000,
  });
  const [publisher, subscriber] = [new Redis(url), new Redis(url)];
  await subscriber.subscribe('bench-stop-floor');
  let heard: () => void = () => {};
  subscriber.on('message', () => heard());
  const action = killSwitch.action({
    name: 'bench.slow',
    execute: (_input: undefined, { signal }) =>
      new Promise<number>((_resolve, reject) => {
        started();
        signal.addEventListener('abort', () => {
          told = performance.now();
          reject(new Error('stopped'));
        });
      }),
  });
  let started: () => void = () => {};
  let told = 0;
  say(`${rounds} kills of work in flight, on Redis`);
  const numbers = await interleave(
    {
      signal: async () => {
        const running = new Promise<void>((resolve) => {
          started = resolve;
        });
        const call = killSwitch.run({ agentId: 'x' }, () => action.attempt(undefined));
        await running;
        const ready = await plan(control, kill('agent:x'));
        const since = performance.now();
        await ready.append();
        await call;
        await change(control, revive('agent:x'));
        while (killSwitch.check({ agentId: 'x' }).verdict !== 'allow')
          await new Promise((resolve) => setTimeout(resolve, 1));
        return told - since;
      },
      message: async () => {
        const arrived = new Promise<number>((resolve) => {
          heard = () => resolve(performance.now());
        });
        const since = performance.now();
        await publisher.publish('bench-stop-floor', 'x'.repeat(400));
        return (await arrived) - since;
      },
    },
    { rounds, warmUp: quick ? 0 : 10 },
  );
  await killSwitch.close();
  await Promise.all([control.close(), publisher.quit(), subscriber.quit()]);
  const how =
    'from before the append of a kill is sent until the AbortSignal of an action in the same process fires; floor: from before PUBLISH until the message is there';
  return (['p50', 'p99'] as const).map((name) => {
    const share = name === 'p50' ? 0.5 : 0.99;
    return result({
      name: `kill on Redis → the signal of work in flight, ${name} ÷ raw pub/sub`,
      unit: 'ms',
      value: quantile(numbers.signal, share),
      floor: quantile(numbers.message, share),
      goal: 2,
      how,
    });
  });
}

async function liveMemorySwitch(domain: string): Promise<{
  readonly killSwitch: KillSwitch;
  readonly control: Awaited<ReturnType<typeof openControlPlane>>;
  readonly close: () => Promise<void>;
}> {
  const store = memoryStore();
  const control = await openControlPlane({ store: memoryControlStore(store), operator: { id: 'bench' } });
  await control.init();
  await control.setMode({ mode: 'live', reason: 'bench' });
  const killSwitch = await createKillSwitch({ store, domain, leaseMs: 60_000 });
  return {
    killSwitch,
    control,
    close: async () => {
      await killSwitch.close();
      await control.close();
    },
  };
}

const inMemory = (): InMemoryProvider =>
  new InMemoryProvider({
    'kill-switch.mode': { disabled: false, defaultVariant: 'live', variants: { live: 'live', full_stop: 'full_stop' } },
  });
