import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { openControlPlane } from '../operator/index.ts';
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

/** How many changes are asked for at once, where many are. */
const AT_ONCE = 64;

/** How fast does the log take one event after the other, and many at once? */
export const appends: Measurement = {
  name: 'appends',
  async run(bench) {
    const { url } = await bench.redis();
    const raw = await open(join(bench.folder, 'raw.log'), 'a');
    const client = new Redis(url);
    await client.set('raw:head', 'h');
    try {
      const file: Compared = {
        name: 'the file store ÷ a raw write and fdatasync',
        store: fileControlStore({ directory: join(bench.folder, 'appends') }),
        floor: async () => {
          await raw.write(LINE);
          await raw.datasync();
        },
      };
      const redis: Compared = {
        name: 'Redis (appendfsync always) ÷ a raw EVAL that compares, sets, appends and publishes',
        store: redisControlStore({ url }),
        floor: () => client.eval(RAW, 3, 'raw:head', 'raw:state', 'raw:log', 'h', LINE),
      };
      return [
        await oneByOne(bench, file),
        await manyAtOnce(bench, file),
        await oneByOne(bench, redis),
        await manyAtOnce(bench, redis),
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

/** So many operators' changes at the same moment, as one control plane takes them: they share a write. */
async function manyAtOnce(bench: Bench, { name: where, store, floor }: Compared): Promise<Result> {
  const name = `one of ${AT_ONCE} changes at once on ${where}`;
  bench.say(name);
  await using control = await openControlPlane({ store, organizationId: 'at-once', operator: { id: 'bench' } });
  await control.init();
  let value = 0;
  const changes: Arm = async () => {
    const started = performance.now();
    value += 1;
    const names = Array.from({ length: AT_ONCE }, (_, index) => `limit-${index}`);
    await Promise.all(names.map((limit) => control.setLimit({ name: limit, value, reason: 'measured' })));
    return (performance.now() - started) / AT_ONCE;
  };
  const raw: Arm = async () => {
    const started = performance.now();
    for (let index = 0; index < 10; index += 1) await floor();
    return (performance.now() - started) / 10;
  };
  const ms = await interleave({ changes, raw }, bench.quick ? { rounds: 2 } : { rounds: 41, warmUp: 5 });
  return result({
    name,
    unit: 'ms',
    value: median(ms.changes),
    floor: median(ms.raw),
    ratio: ratioOf(ms.changes, ms.raw),
    goal: 2,
    how: `${AT_ONCE} limits set at once through one control plane, until all are on the disk, divided by ${AT_ONCE}; a goal of 2 in time is one of 0.5 in rate`,
  });
}

async function oneByOne(bench: Bench, { name: where, store, floor }: Compared): Promise<Result> {
  const name = `one event on ${where}`;
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
