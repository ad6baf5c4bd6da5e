import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { serializeEvent } from '../flags/index.ts';
import type { ControlConnection } from '../store/ports.ts';
import { redisControlStore } from '../store/redis/control.ts';
import type { Arrivals, FanOutTask } from './fan-out-worker.ts';
import type { Measurement } from './measurement.ts';
import { change, kill, plan, START } from './operate.ts';
import { result } from './results.ts';
import { interleave, quantile } from './rounds.ts';
import { Worker } from './worker.ts';

const ORGANIZATION = 'fan-out';
const CHANNEL = 'bench';

/** How long from a kill to the last of many executors that refuses? */
export const fanOut: Measurement = {
  name: 'fan-out',
  async run({ quick, redis: startRedis, say }) {
    const executors = quick ? 8 : 100;
    const processes = quick ? 2 : Math.min(10, Math.max(4, availableParallelism()));
    const size = quick ? { rounds: 2 } : { rounds: 120, warmUp: 20 };
    const { url } = await startRedis();
    const control = redisControlStore({ url }).open({ organizationId: ORGANIZATION, requestTimeoutMs: 5000 });
    for (const command of START) await change(control, command);

    say(`${executors} executors and as many bare subscribers in ${processes} processes`);
    const workers = Array.from({ length: processes }, () => new Worker('fan-out-worker.js'));
    const publisher = new Redis(url);
    try {
      const tell = <T>(task: (process: number) => FanOutTask): Promise<T[]> =>
        Promise.all(workers.map((worker, index) => worker.ask<T>(task(index))));
      await tell((index) => ({
        is: 'open',
        url,
        organizationId: ORGANIZATION,
        channel: CHANNEL,
        executors: share(executors, processes, index),
        name: `bench-${index}`,
      }));

      say('kills and bare messages in turn');
      const delays: Record<'kill' | 'publish', number[]> = { kill: [], publish: [] };
      const round = async (is: 'kill' | 'publish', task: FanOutTask, send: () => Promise<unknown>): Promise<number> => {
        await allKnow(control, executors);
        await tell<'armed'>(() => task);
        const arrived = Promise.all(workers.map((worker) => worker.next<Arrivals>()));
        const sent = Number(process.hrtime.bigint());
        await send();
        const all = (await arrived).flat().map((at) => (at - sent) / 1e6);
        delays[is].push(...all);
        return Math.max(...all);
      };
      let text = '';
      await interleave(
        {
          kill: async () => {
            const agentId = randomUUID();
            const { event, append } = await plan(control, kill(`agent:${agentId}`));
            text = serializeEvent(event);
            return round('kill', { is: 'refuse', agentId }, append);
          },
          publish: () => round('publish', { is: 'hear' }, () => publisher.publish(CHANNEL, text)),
        },
        size,
      );
      const counted = (numbers: readonly number[]): readonly number[] => numbers.slice(-executors * size.rounds);
      return [
        result({
          name: `kill on Redis → ${executors} executors refuse (p99) ÷ bare pub/sub to ${executors} subscribers (p99)`,
          unit: 'ms',
          value: quantile(counted(delays.kill), 0.99),
          floor: quantile(counted(delays.publish), 0.99),
          goal: 2,
          how: `from just before the append is sent until check() of each executor says block, ${size.rounds} rounds; floor: from just before PUBLISH of the same bytes until each subscriber has them; ${processes} processes each with its share of both, every executor and subscriber with connections of its own`,
        }),
      ];
    } finally {
      publisher.disconnect();
      for (const worker of workers) worker.end();
      await control.close();
    }
  },
};

/** So many of the executors belong into this process. */
const share = (executors: number, processes: number, index: number): number =>
  Math.floor((executors * (index + 1)) / processes) - Math.floor((executors * index) / processes);

/** Every executor has confirmed what was last appended, and has nothing left to do: a round must not pay for the one before it. */
async function allKnow(control: ControlConnection, executors: number): Promise<void> {
  for (;;) {
    const { head } = await control.read(['control']);
    const beats = await control.executors();
    if (beats.filter(({ applied }) => applied?.hash === head?.hash).length === executors) break;
    await sleep(5);
  }
  await sleep(20);
}
