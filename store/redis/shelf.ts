import { KEPT_CHECKPOINTS, KEPT_INTERVENTIONS, KEPT_PROPOSALS, type Shelf, type ShelfReader } from '../ports.ts';
import { newestLast } from '../reports.ts';
import { readKept } from './kept.ts';
import type { RedisReader } from './reader.ts';
import { allOf } from './reader.ts';
import { reply } from './replies.ts';
import { MOST_NAMES, PUT_CHECKPOINT } from './report-scripts.ts';
import { runScript } from './scripts.ts';

/** What executors of one name keep in Redis. */
export function redisShelf({ connection, keys }: RedisReader, executorName: string): Shelf {
  const own = keys.executor(executorName);
  const add = (stream: string, most: number, texts: readonly string[]): Promise<unknown> =>
    connection.request({
      access: 'write',
      send: (client) => {
        const pipeline = client.pipeline();
        for (const text of texts) pipeline.call('XADD', stream, 'MAXLEN', '~', most, '*', 'record', text);
        return allOf(pipeline);
      },
    });
  return {
    async appendInterventions(texts) {
      await add(keys.interventions, KEPT_INTERVENTIONS, texts);
    },
    async appendProposals(texts) {
      await add(own.proposals, KEPT_PROPOSALS, texts);
    },
    async put(name, id, text) {
      await connection.request({
        access: 'write',
        send: (client): Promise<unknown> =>
          name === 'surfaces'
            ? client.hset(own.surfaces, id, text)
            : runScript(client, {
                script: PUT_CHECKPOINT,
                keys: [keys.checkpoints, keys.checkpointTimes],
                args: [id, text, KEPT_CHECKPOINTS],
                replicas: 0,
                waitMs: 0,
              }),
      });
    },
    get: (name, id) =>
      connection.request({
        access: 'read',
        send: (client) => client.hget(name === 'surfaces' ? own.surfaces : keys.checkpoints, id),
      }),
    async remove(name, id) {
      await connection.request({
        access: 'write',
        send: (client): Promise<unknown> =>
          name === 'surfaces'
            ? client.hdel(own.surfaces, id)
            : allOf(client.pipeline().hdel(keys.checkpoints, id).zrem(keys.checkpointTimes, id)),
      });
    },
  };
}

/** How operators read it. */
export function redisShelfReader(parts: RedisReader): ShelfReader {
  const { connection, keys, replies } = parts;
  const newest = async (streams: readonly string[], limit: number): Promise<string[][]> => {
    const answers = await connection.request({
      access: 'read',
      send: (client) => {
        const pipeline = client.pipeline();
        for (const stream of streams) pipeline.call('XREVRANGE', stream, '+', '-', 'COUNT', limit);
        return allOf(pipeline);
      },
    });
    return answers.map((answer) =>
      replies
        .parse(reply.entries, answer, 'interventions that cannot be read')
        .map(([, fields]) => fields[1] ?? '')
        .reverse(),
    );
  };
  return {
    interventions: async (limit) => (await newest([keys.interventions], limit)).flat(),
    async proposals(limit) {
      const names = await connection.request({
        access: 'read',
        send: (client) => client.lrange(keys.names, 0, MOST_NAMES - 1),
      });
      const streams = [...new Set(names)].map((name) => keys.executorEscaped(name).proposals);
      return streams.length === 0 ? [] : newestLast((await newest(streams, limit)).flat(), limit);
    },
    async all(name) {
      if (name === 'surfaces')
        return (await readKept(parts, 'surfaces', keys.surfacesBefore)).map(({ id, text }) => [id, text] as const);
      const answer = await connection.request({
        access: 'read',
        send: (client) => client.call('HGETALL', keys.checkpoints),
      });
      const flat = replies.parse(reply.flat, answer, 'reports that cannot be read');
      return flat.flatMap((id, index) => (index % 2 === 0 ? [[id, flat[index + 1] ?? ''] as const] : []));
    },
  };
}
