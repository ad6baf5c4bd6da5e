import { z } from 'zod';
import { KillSwitchError } from '../../flags/index.ts';
import { OPERATING_KEPT_MS, type OperatingNotes } from '../capabilities/operating.ts';
import { useOf } from './acl-names.ts';
import type { RedisEndpoint } from './endpoint.ts';
import type { OperatorParts } from './kept.ts';

/** A key that goes by itself: how long it has left says when it was written, by the clock of Redis. */
export const redisOperating = (
  { connection, keys, replies }: OperatorParts,
  { user }: Pick<RedisEndpoint, 'user'>,
): OperatingNotes => ({
  async note() {
    // A viewer who watches ends nothing, and Redis would log each refusal.
    if (user !== null && useOf(user)?.role === 'viewer')
      throw new KillSwitchError('NOT_PERMITTED', 'A viewer operates nothing.');
    await connection.request({
      access: 'write',
      send: (client) => client.set(keys.operating, '1', 'PX', OPERATING_KEPT_MS),
    });
  },
  async last() {
    const [left, time] = await connection.request({
      access: 'read',
      send: (client) => Promise.all([client.pttl(keys.operating), client.time()]),
    });
    const leftMs = replies.parse(z.int(), left, 'a note of an operating process that cannot be read');
    if (leftMs < 0) return null;
    return new Date(Date.parse(replies.time(time)) - (OPERATING_KEPT_MS - leftMs)).toISOString();
  },
});
