import { HIGHEST_TALLY, MOST_TALLIED, type Tally, TALLY_KEPT_MS } from '../capabilities/tally.ts';
import type { OperatorParts } from './kept.ts';
import { allOf } from './reader.ts';

/** A hash with a field for each name, which goes by itself. */
export const redisTally = ({ connection, keys }: OperatorParts): Tally => ({
  async add(name, count) {
    await connection.request({
      access: 'write',
      async send(client) {
        const [fields, before] = await Promise.all([client.hlen(keys.attempts), client.hget(keys.attempts, name)]);
        const room = Math.min(count, HIGHEST_TALLY - Number(before ?? 0));
        if (!(room > 0) || (before === null && fields >= MOST_TALLIED)) return;
        await allOf(client.pipeline().hincrby(keys.attempts, name, room).pexpire(keys.attempts, TALLY_KEPT_MS));
      },
    });
  },
  async take(name) {
    const [count] = await connection.request({
      access: 'write',
      send: (client) => allOf(client.pipeline().hget(keys.attempts, name).hdel(keys.attempts, name)),
    });
    return Math.max(0, Number(count ?? 0)) || 0;
  },
});
