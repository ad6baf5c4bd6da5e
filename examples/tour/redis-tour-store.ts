import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisKeys } from '../../store/redis/keys.ts';
import { startFaultProxy } from '../../testing/fault-proxy.ts';
import type { TourStore } from './tour-store.ts';

/** Which keys hold the switch itself; the others are what executors report. */
const LOST = ['head', 'state', 'log'] as const;

/**
 * A switch in somebody's Redis, under an organization of its own, so that it touches no other. The agents reach it
 * through a proxy of the tour, which can fall silent.
 */
export async function redisTourStore(url: string): Promise<TourStore> {
  const control = redisControlStore({ url }); // refuses a URL that cannot be used, without showing its password
  const organizationId = `tour-${randomBytes(4).toString('hex')}`;
  const keys = redisKeys(organizationId);
  const ours = keys.head.slice(0, -'head'.length); // what all keys of the organization begin with
  const target = new URL(url);
  const host = target.hostname.replace(/^\[(.*)\]$/, '$1');
  const proxy = await startFaultProxy({ host, port: Number(target.port || 6379) });
  const proxied = new URL(url);
  proxied.hostname = proxy.host;
  proxied.port = String(proxy.port);

  const redis = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: 3000,
    commandTimeout: 3000,
  });
  redis.on('error', () => {}); // the command itself rejects
  const gone = (key: string): string => `${key}:gone`;
  const renameAll = async (from: (key: string) => string, to: (key: string) => string): Promise<void> => {
    const change = redis.multi();
    for (const name of LOST) change.rename(from(keys[name]), to(keys[name]));
    await change.exec();
  };
  const same = (key: string): string => key;

  return {
    description: `Redis at ${control.location}, organization ${organizationId}`,
    organizationId,
    forAgents: { kind: 'redis', url: proxied.href, servername: target.protocol === 'rediss:' ? host : null },
    control,
    silence: {
      begins: 'The network between the agents and Redis goes silent: connections stay open, nothing arrives.',
      async begin() {
        proxy.stall();
      },
      ends: 'The network is back.',
      end: () => proxy.resume(),
    },
    loss: {
      begins: "The tour's keys are taken out of Redis: the switch is gone, as after FLUSHALL.",
      begin: () => renameAll(same, gone),
      ends: 'The keys are put back. They could be an old copy, so the agents wait for an operator.',
      end: () => renameAll(gone, same),
    },
    async remove() {
      try {
        const all: AsyncIterable<string[]> = redis.scanStream({ match: `${ours}*`, count: 1000 });
        for await (const some of all) if (some.length > 0) await redis.del(...some);
      } catch {
        process.stderr.write(
          `Redis did not answer, so these keys of the tour are still there: ${keys.head} and its neighbours.\n`,
        );
      } finally {
        redis.disconnect();
        await proxy.stop();
      }
    },
  };
}
