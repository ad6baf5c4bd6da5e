import { KEPT_INTERVENTIONS, type Shelf, type ShelfReader } from '../ports.ts';
import type { RedisReader } from './reader.ts';
import { allOf } from './reader.ts';
import { reply } from './replies.ts';

/** What executors keep in Redis, and how operators read it. */
export function redisShelf({ connection, keys, replies }: RedisReader): Shelf & ShelfReader {
  return {
    async appendInterventions(texts) {
      await connection.request({
        access: 'write',
        send: (client) => {
          const pipeline = client.pipeline();
          for (const text of texts) {
            pipeline.call('XADD', keys.interventions, 'MAXLEN', '~', KEPT_INTERVENTIONS, '*', 'record', text);
          }
          return allOf(pipeline);
        },
      });
    },
    async put(name, id, text) {
      await connection.request({ access: 'write', send: (client) => client.hset(keys[name], id, text) });
    },
    get: (name, id) => connection.request({ access: 'read', send: (client) => client.hget(keys[name], id) }),
    async interventions(limit) {
      const send = connection.request({
        access: 'read',
        send: (client) => client.call('XREVRANGE', keys.interventions, '+', '-', 'COUNT', limit),
      });
      const entries = replies.parse(reply.entries, await send, 'interventions that cannot be read');
      return entries.map(([, fields]) => fields[1] ?? '').reverse();
    },
    async all(name) {
      const answer = await connection.request({ access: 'read', send: (client) => client.call('HGETALL', keys[name]) });
      const flat = replies.parse(reply.flat, answer, 'reports that cannot be read');
      return flat.flatMap((id, index) => (index % 2 === 0 ? [[id, flat[index + 1] ?? ''] as const] : []));
    },
  };
}
