import type { AlertKeeper } from '../capabilities/alerts.ts';
import type { RedisEndpoint } from './endpoint.ts';
import { requireReplicated } from './errors.ts';
import type { RedisReader } from './reader.ts';
import { reply } from './replies.ts';
import { runScript, script, waitMs } from './scripts.ts';

/**
 * KEYS: alerts. ARGV: name, 1 where a text is expected, that text, 1 where a text is set, that text. Gives 1 when it
 * was swapped, 0 when something else was there.
 */
const SWAP = script(`#!lua
local now = redis.call('HGET', KEYS[1], ARGV[1])
if ARGV[2] == '1' then
  if now ~= ARGV[3] then return 0 end
elseif now then
  return 0
end
if ARGV[4] == '1' then redis.call('HSET', KEYS[1], ARGV[1], ARGV[5]) else redis.call('HDEL', KEYS[1], ARGV[1]) end
return 1
`);

/** What alerts need, in a hash that neither executors nor viewers may read. */
export function redisAlerts(
  endpoint: RedisEndpoint,
  { connection, keys, replies }: Pick<RedisReader, 'connection' | 'keys' | 'replies'>,
): AlertKeeper {
  const asArgs = (text: string | null): [number, string] => (text === null ? [0, ''] : [1, text]);
  return {
    async read(names) {
      if (names.length === 0) return new Map();
      const answer = await connection.request({
        access: 'read',
        send: (client) => client.hmget(keys.alerts, ...names),
      });
      const texts = replies.parse(reply.texts, answer, 'records of alerts that cannot be read');
      return new Map(
        names.flatMap((name, index) => {
          const text = texts[index] ?? null;
          return text === null ? [] : [[name, text]];
        }),
      );
    },
    async swap(name, before, after) {
      const answer = await connection.request({
        access: 'write',
        send: async (client, leftMs) => {
          const call = {
            script: SWAP,
            keys: [keys.alerts],
            args: [name, ...asArgs(before), ...asArgs(after)],
            replicas: endpoint.replicas,
            waitMs: waitMs(leftMs),
          };
          return requireReplicated(await runScript(client, call), endpoint, 'What alerts need may yet be lost.');
        },
      });
      return replies.parse(reply.swapped, answer, 'an answer that cannot be read') === 1;
    },
  };
}
