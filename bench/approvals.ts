import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { createKillSwitch, type KillSwitch } from '../index.ts';
import { type ControlPlane, openControlPlane } from '../operator/index.ts';
import { redisControlStore } from '../store/redis/control.ts';
import { redisStore } from '../store/redis/index.ts';
import type { Bench, Measurement } from './measurement.ts';
import { type Result, result } from './results.ts';
import { median } from './rounds.ts';

/** What do ten thousand calls cost that wait for people? */
export const approvals: Measurement = {
  name: 'approvals',
  async run(bench) {
    const few = await waiting(bench, 1);
    const calls = bench.quick ? 200 : 10_000;
    const many = await waiting(bench, calls);
    const count = calls.toLocaleString('en');
    const results: Result[] = [
      result({
        name: `memory of one call that waits for people ÷ one bare pending promise`,
        unit: 'KB',
        value: many.bytes / 1024,
        floor: many.promiseBytes / 1024,
        goal: 16,
        judged: 'value',
        how: `heap of ${count} calls in one run of one process, each with its request in Redis and its intervention recorded`,
      }),
      result({
        name: `listing ${count} open requests on Redis ÷ reading and parsing the same bytes`,
        unit: 'ms',
        value: many.listMs,
        floor: many.rawListMs,
        goal: 1500,
        judged: 'value',
        how: 'control.approvals(), judged and sorted; floor: HGETALL and JSON.parse of each value',
      }),
      result({
        name: `approve, until the call has its result, beside ${count} waiting calls ÷ beside none`,
        unit: 'ms',
        value: many.resumeMs,
        floor: few.resumeMs,
        goal: 500,
        judged: 'value',
        how: 'from control.approve() to the result of the one that it is about, in the same process, on Redis',
      }),
    ];
    return results;
  },
};

interface Waiting {
  readonly bytes: number;
  readonly promiseBytes: number;
  readonly listMs: number;
  readonly rawListMs: number;
  readonly resumeMs: number;
}

async function waiting({ quick, redis, say }: Bench, calls: number): Promise<Waiting> {
  const { url } = await redis();
  const organizationId = `bench-approvals-${calls}`;
  say(`${calls} calls that wait for people, on Redis`);
  const control = await openControlPlane({
    ...{ store: redisControlStore({ url }), organizationId, operator: { id: 'bench' } },
  });
  await control.init();
  await control.setMode({ mode: 'approval_gated', reason: 'bench' });
  const killSwitch = await createKillSwitch({
    ...{ store: redisStore({ url }), organizationId, domain: randomUUID(), leaseMs: 60_000 },
  });
  const before = heap();
  const bare = Array.from({ length: 10_000 }, () => new Promise<void>(() => {}));
  const promiseBytes = Math.max(1, (heap() - before) / bare.length);
  bare.length = 0;
  const held = await hold(killSwitch, calls);
  await control.interventions({ limit: 1 });
  const bytes = held.bytes / calls;
  const raw = new Redis(url);
  const lists: number[] = [];
  const raws: number[] = [];
  const resumed: number[] = [];
  const key = (await raw.keys(`*${organizationId}*:approvals`)).find((name) => name.includes('executor'));
  const rounds = quick ? 2 : 9;
  for (let round = 0; round < rounds; round += 1) {
    const listed = performance.now();
    await control.approvals();
    lists.push(performance.now() - listed);
    const read = performance.now();
    if (key !== undefined) for (const value of Object.values(await raw.hgetall(key))) JSON.parse(value);
    raws.push(performance.now() - read);
  }
  for (const { id } of (await control.approvals()).data.slice(0, quick ? 3 : 20))
    resumed.push(await resume(control, held.results, id));
  await raw.quit();
  await killSwitch.close();
  await control.close();
  return {
    ...{ bytes, promiseBytes, resumeMs: median(resumed) },
    ...{ listMs: median(lists), rawListMs: median(raws) },
  };
}

/** How long from the approval to the result, in milliseconds. */
async function resume(control: ControlPlane, results: Map<number, Promise<unknown>>, id: string): Promise<number> {
  const { input } = await control.approval(id);
  const { order } = input as { readonly order: number };
  const started = performance.now();
  await control.approve({ id });
  await results.get(order);
  return performance.now() - started;
}

async function hold(killSwitch: KillSwitch, calls: number) {
  const action = killSwitch.action({ name: 'bench.refund', execute: ({ order }: { order: number }) => order });
  const results = new Map<number, Promise<unknown>>();
  const before = heap();
  await killSwitch.run({ agentId: 'x' }, async () => {
    for (let order = 0; order < calls; order += 1) {
      results.set(
        order,
        action({ order }).catch(() => {}),
      );
      if (order % 500 === 499) await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await new Promise((resolve) => setTimeout(resolve, 2000)); // until all are asked, and recorded
  });
  return { results, bytes: heap() - before };
}

function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
