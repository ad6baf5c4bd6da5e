import { Redis } from 'ioredis';
import { fileControlStore } from '../store/file/control.ts';
import type { ControlStore } from '../store/ports.ts';
import { redisControlStore } from '../store/redis/control.ts';
import { redisKeys } from '../store/redis/keys.ts';
import type { Bench, Measurement } from './measurement.ts';
import { change, kill, revive, targetAt } from './operate.ts';
import { type Result, result } from './results.ts';
import { interleave, median, ratioOf } from './rounds.ts';

/** Does one more kill cost the same beside many? */
export const oneMoreKill: Measurement = {
  name: 'one-more-kill',
  async run(bench) {
    const { kills, redis, folders } = await bench.switches();
    bench.say('one more, again and again');
    const subscribers = {
      none: await countBytes(redis.url, redisKeys('none').channel),
      many: await countBytes(redis.url, redisKeys('many').channel),
    };
    const onRedis = (organizationId: 'none' | 'many') => ({
      store: redisControlStore({ url: redis.url }),
      organizationId,
      after: () => subscribers[organizationId].next(),
    });
    const inFolder = (folder: 'none' | 'many') => ({
      store: fileControlStore({ directory: folders[folder] }),
      organizationId: folder,
      after: async () => 0,
    });
    const redisTimes = await measure(bench, { none: onRedis('none'), many: onRedis('many') });
    const fileTimes = await measure(bench, { none: inFolder('none'), many: inFolder('many') });
    for (const subscriber of Object.values(subscribers)) subscriber.close();
    return [
      rowOf('on Redis', kills, redisTimes.ms),
      rowOf('on the file store', kills, fileTimes.ms),
      result({
        name: `bytes that one more kill sends to each subscriber, ${kills.toLocaleString('en')} active ÷ none`,
        unit: 'B',
        value: median(redisTimes.bytes.many),
        floor: median(redisTimes.bytes.none),
        goal: 1.5,
        how: 'received on the socket of a Redis connection that is subscribed to the channel of events',
      }),
    ];
  },
};

const rowOf = (where: string, kills: number, ms: Record<'none' | 'many', number[]>): Result =>
  result({
    name: `one more kill ${where}, ${kills.toLocaleString('en')} active ÷ none`,
    unit: 'ms',
    value: median(ms.many),
    floor: median(ms.none),
    ratio: ratioOf(ms.many, ms.none),
    goal: 1.5,
    how: `an operator's open connection reads, plans and appends, until it is on the disk; revived after each`,
  });

interface Desk {
  readonly store: ControlStore;
  readonly organizationId: string;
  /** What the kill sent to a subscriber, in bytes. */
  readonly after: () => Promise<number>;
}

async function measure(bench: Bench, desks: Record<'none' | 'many', Desk>) {
  const bytes: Record<'none' | 'many', number[]> = { none: [], many: [] };
  const open = ({ store, organizationId }: Desk) => store.open({ organizationId, requestTimeoutMs: 30_000 });
  const connections = { none: open(desks.none), many: open(desks.many) };
  const arm = (name: 'none' | 'many') => async (): Promise<number> => {
    const connection = connections[name];
    const target = targetAt(0);
    const started = performance.now();
    await change(connection, kill(target));
    const ms = performance.now() - started;
    bytes[name].push(await desks[name].after());
    await change(connection, revive(target));
    await desks[name].after();
    return ms;
  };
  const size = bench.quick ? { rounds: 3 } : { rounds: 150, warmUp: 20 };
  const ms = await interleave({ none: arm('none'), many: arm('many') }, size);
  await Promise.all([connections.none.close(), connections.many.close()]);
  return { ms, bytes };
}

/** Listens on a channel; `next` gives the bytes of the message that has come since, or comes now. */
async function countBytes(url: string, channel: string): Promise<{ next(): Promise<number>; close(): void }> {
  const client = new Redis(url);
  let messages = 0;
  let taken = 0;
  let wake = (): void => {};
  client.on('message', () => {
    messages += 1;
    wake();
  });
  await client.subscribe(channel);
  let read = client.stream.bytesRead;
  return {
    async next() {
      while (messages === taken) await new Promise<void>((resolve) => (wake = resolve));
      taken += 1;
      const bytes = client.stream.bytesRead - read;
      read = client.stream.bytesRead;
      return bytes;
    },
    close: () => client.disconnect(),
  };
}
