import type { KeptStop, StopReader, Stops } from '../capabilities/stops.ts';
import { givenStop, readStop } from '../stop-texts.ts';
import type { RedisEndpoint } from './endpoint.ts';
import { requireReplicated } from './errors.ts';
import { nameOf } from './keys.ts';
import { type OperatorParts, writerOf } from './kept.ts';
import type { RedisReader } from './reader.ts';
import { reply } from './replies.ts';
import { DROP, LIBRARY } from './report-scripts.ts';
import { runScript, waitMs } from './scripts.ts';

/** How the id of a stop is written in its text. */
const written = (id: string): string => `"id":${JSON.stringify(id)}`;

/** The stops of executors of one name, to which they only append. */
export function redisStops(endpoint: RedisEndpoint, parts: RedisReader, executorName: string): Stops {
  const { connection, keys } = parts;
  const own = keys.executor(executorName);
  return {
    async add(given) {
      const { id, ...rest } = givenStop(given);
      await connection.request({
        access: 'write',
        send: async (client, leftMs) => {
          const call = {
            script: LIBRARY.scripts.addStop,
            keys: [own.stops, keys.names, keys.changes],
            args: [JSON.stringify({ id, ...rest }), written(id), own.escaped, keys.executorPrefix, keys.stopsChannel],
            replicas: endpoint.replicas,
            waitMs: waitMs(leftMs),
          };
          return requireReplicated(await runScript(client, call), endpoint, 'The stop may yet be lost.');
        },
      });
    },
  };
}

/** The stops of each name, as scripts answer them. */
export const keptStops = (found: ReadonlyArray<readonly [name: string, lines: string]>): KeptStop[] =>
  found.flatMap(([name, lines]) => {
    const writer = writerOf(nameOf(name)).writer ?? null;
    return lines
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => readStop(line, writer));
  });

/** Reads them, for operators. */
export function redisStopReader(parts: OperatorParts): StopReader {
  const { connection, keys, replies, upkeep } = parts;
  return {
    async list() {
      await upkeep.ensure();
      const call = { script: LIBRARY.scripts.readStops, keys: [keys.names], args: [keys.executorPrefix] };
      const answer = await connection.request({
        access: 'read',
        send: async (client) => (await runScript(client, call)).reply,
      });
      return keptStops(replies.parse(reply.stops, answer, 'stops that cannot be read'));
    },
    async drop(ids) {
      if (ids.length === 0) return;
      const call = { script: DROP, keys: [keys.names, keys.changes], args: [keys.executorPrefix, ...ids.map(written)] };
      await connection.request({ access: 'write', send: (client) => runScript(client, call) });
    },
  };
}
