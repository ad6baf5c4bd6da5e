import type { Redis } from 'ioredis';
import type { RedisEndpoint } from './endpoint.ts';
import { refusedDatabase } from './errors.ts';

/**
 * Says who it is and which database it means, and resolves when Redis has accepted both. ioredis would say it by
 * itself, but takes a refusal for an event beside the requests: these would go to database 0, or to whatever the
 * default user may do. A new connection is in database 0, so nobody needs the permission to SELECT for that one.
 */
export async function handshake(client: Redis, endpoint: RedisEndpoint): Promise<void> {
  const { username, password } = endpoint.options;
  const { db } = endpoint;
  // With its name, a `default` that asks for no password would take any: then this is not the Redis that the password
  // is for.
  const user = username === 'default' && password ? undefined : username;
  const [auth, select] = await Promise.allSettled([
    user ? client.auth(user, password ?? '') : password ? client.auth(password) : null,
    // Not `client.select`: ioredis remembers that, and sends it with the next connection, unasked and unheard.
    db === 0 ? null : client.call('SELECT', db),
  ]);
  if (auth.status === 'rejected') throw auth.reason;
  if (select.status === 'rejected') throw refusedDatabase(select.reason, endpoint);
}
