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
import { interleave, median, quantile } from './rounds.ts';
import { Worker } from './worker.ts';

const ORGANIZATION = 'fan-out';
const CHANNEL = 'bench';

/**
 * How Redis keeps what is written, and a bare message that is kept as long: a kill is not told before it is on the
 * disk, if that is asked for.
 */
const DISKS = [
  {
    appendfsync: 'everysec',
    name: 'bare pub/sub',
    floor: 'PUBLISH of the same bytes',
    send: (client: Redis, text: string) => client.publish(CHANNEL, text),
  },
  {
    appendfsync: 'always',
    name: 'bare SET and pub/sub',
    floor: 'SET and PUBLISH of the same bytes in one MULTI',
    send: (client: Redis, text: string) => client.multi().set(CHANNEL, text).publish(CHANNEL, text).exec(),
  },
] as const;

/** How long from a kill until even the last of many executors refuses? */
export const fanOut: Measurement = {
  name: 'fan-out',
  async run({ quick, redis: startRedis, say }) {
    const executors = quick ? 8 : 100;
    const processes = quick ? 2 : Math.min(10, Math.max(4, availableParallelism()));
    const size = quick ? { rounds: 2 } : { rounds: 120, warmUp: 20 };
    const block = quick ? 1 : 10;
    const redis = await startRedis();
    const { url } = redis;
    const control = redisControlStore({ url }).open({ organizationId: ORGANIZATION, requestTimeoutMs: 5000 });
    for (const command of START) await change(control, command);

    say(`${executors} executors and as many bare subscribers in ${processes} processes`);
    const workers = Array.from({ length: processes }, () => new Worker('fan-out-worker.js'));
    const publisher = new Redis(url);
    const tell = (task: (process: number) => FanOutTask): Promise<unknown> =>
      Promise.all(workers.map((worker, index) => worker.ask(task(index))));
    /** Sends, and gives how long it took to come to each, in milliseconds. */
    const round = async (task: FanOutTask, send: () => Promise<unknown>): Promise<number[]> => {
      await allKnow(control, executors);
      await tell(() => task);
      const arrivals = Promise.all(workers.map((worker) => worker.next<Arrivals>()));
      const sent = Number(process.hrtime.bigint());
      await send();
      return (await arrivals).flat().map((at) => (at - sent) / 1e6);
    };
    try {
      await tell((index) => ({
        is: 'open',
        url,
        organizationId: ORGANIZATION,
        channel: CHANNEL,
        executors: share(executors, processes, index),
        name: `bench-${index}`,
      }));
      const results = [];
      for (const { appendfsync, name, floor, send } of DISKS) {
        say(`kills and bare messages in turn, appendfsync ${appendfsync}`);
        await redis.cli('CONFIG', 'SET', 'appendfsync', appendfsync);
        const delays = { kill: [] as number[], bare: [] as number[] };
        let text = '';
        const worst = (into: number[], numbers: number[]): number => {
          into.push(...numbers);
          return Math.max(...numbers);
        };
        await interleave(
          {
            kill: async () => {
              const agentId = randomUUID();
              const { event, append } = await plan(control, kill(`agent:${agentId}`));
              text = serializeEvent(event);
              return worst(delays.kill, await round({ is: 'refuse', agentId }, append));
            },
            bare: async () => worst(delays.bare, await round({ is: 'hear' }, () => send(publisher, text))),
          },
          size,
        );
        results.push(
          result({
            name: `kill on Redis (appendfsync ${appendfsync}) → ${executors} executors refuse, p99 ÷ ${name} to ${executors} subscribers, p99`,
            unit: 'ms',
            value: p99(delays.kill, executors * block, size.rounds / block),
            floor: p99(delays.bare, executors * block, size.rounds / block),
            goal: 2,
            how: `from just before the append is sent until check() of an executor says block; floor: from just before ${floor} until a subscriber has it. p99 of all executors in ${block} rounds, median of ${size.rounds / block} such; ${processes} processes, each with its share of executors and of subscribers, each of these with connections of its own`,
          }),
        );
      }
      return results;
    } finally {
      publisher.disconnect();
      for (const worker of workers) worker.end();
      await control.close();
    }
  },
};

/**
 * The 99th percentile of each block of so many numbers, and of these the median: one moment in which the machine did
 * something else does not decide. Warm-up rounds come first, so blocks are counted from the end.
 */
function p99(numbers: readonly number[], perBlock: number, blocks: number): number {
  const counted = numbers.slice(-perBlock * blocks);
  return median(
    Array.from({ length: blocks }, (_, block) =>
      quantile(counted.slice(block * perBlock, (block + 1) * perBlock), 0.99),
    ),
  );
}

/** So many of the executors belong into this process. */
const share = (executors: number, processes: number, index: number): number =>
  Math.floor((executors * (index + 1)) / processes) - Math.floor((executors * index) / processes);

/**
 * Every executor has confirmed what was last appended, and has nothing left to do: a round must not pay for the one
 * before it.
 */
async function allKnow(control: ControlConnection, executors: number): Promise<void> {
  for (;;) {
    const { head } = await control.read(['control']);
    const beats = await control.executors();
    if (beats.filter(({ applied }) => applied?.hash === head?.hash).length === executors) break;
    await sleep(5);
  }
  await sleep(20);
}
