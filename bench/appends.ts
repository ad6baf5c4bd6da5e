import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { fileControlStore } from '../store/file/control.ts';
import type { ControlStore } from '../store/ports.ts';
import { redisControlStore } from '../store/redis/control.ts';
import type { Bench, Measurement } from './measurement.ts';
import { change, kill, revive, START } from './operate.ts';
import { type Result, result } from './results.ts';
import { type Arm, interleave, median, ratioOf } from './rounds.ts';

/** A line as long as that of a kill. */
const LINE = `${'x'.repeat(400)}\n`;

/** The least that Redis does for an event: one script that compares, sets, appends and publishes. */
const RAW = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[2], 'kill', ARGV[2])
redis.call('XADD', KEYS[3], '*', 'event', ARGV[2])
redis.call('PUBLISH', KEYS[3], ARGV[2])
return 1`;

/** How fast does the log take one event after the other? */
export const appends: Measurement = {
  name: 'appends',
  async run(bench) {
    const { url } = await bench.redis();
    const raw = await open(join(bench.folder, 'raw.log'), 'a');
    const client = new Redis(url);
    await client.set('raw:head', 'h');
    try {
      return [
        await measure(bench, {
          name: 'one event on the file store ÷ a raw write and fdatasync',
          store: fileControlStore({ directory: join(bench.folder, 'appends') }),
          floor: async () => {
            await raw.write(LINE);
            await raw.datasync();
          },
        }),
        await measure(bench, {
          name: 'one event on Redis (appendfsync always) ÷ a raw EVAL that compares, sets, appends and publishes',
          store: redisControlStore({ url }),
          floor: () => client.eval(RAW, 3, 'raw:head', 'raw:state', 'raw:log', 'h', LINE),
        }),
      ];
    } finally {
      await raw.close();
      client.disconnect();
    }
  },
};

interface Compared {
  readonly name: string;
  readonly store: ControlStore;
  readonly floor: () => Promise<unknown>;
}

async function measure(bench: Bench, { name, store, floor }: Compared): Promise<Result> {
  bench.say(name);
  const connection = store.open({ organizationId: 'appends', requestTimeoutMs: 30_000 });
  for (const command of START) await change(connection, command);
  const perRound = bench.quick ? 2 : 20;
  const timed =
    (work: (index: number) => Promise<unknown>): Arm =>
    async () => {
      const started = performance.now();
      for (let index = 0; index < perRound; index += 1) await work(index);
      return (performance.now() - started) / perRound;
    };
  const log = timed((index) => change(connection, index % 2 === 0 ? kill('agent:a') : revive('agent:a')));
  const ms = await interleave({ log, floor: timed(floor) }, bench.quick ? { rounds: 2 } : { rounds: 41, warmUp: 5 });
  await connection.close();
  return result({
    name,
    unit: 'ms',
    value: median(ms.log),
    floor: median(ms.floor),
    ratio: ratioOf(ms.log, ms.floor),
    goal: 2,
    how: 'kills and revives in turn on one open connection: read, plan, append, until it is on the disk; a goal of 2 in time is one of 0.5 in rate',
  });
}
