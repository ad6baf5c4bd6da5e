import type { Redis } from 'ioredis';
import type { RedisEndpoint } from './endpoint.ts';
import { refusedDatabase } from './errors.ts';

/**
 * Sends AUTH and SELECT, and resolves when Redis has accepted both. ioredis would send them by itself, but emits a
 * refusal as an event and goes on: requests would then go to database 0, or run as the default user. A new connection
 * is in database 0, so that one needs no SELECT and no permission for it.
 */
export async function handshake(client: Redis, endpoint: RedisEndpoint): Promise<void> {
  const { username, password } = endpoint.options;
  const { db } = endpoint;
  // With a name, a `default` user without a password accepts any. Without one it refuses, and that tells that this is
  // not the Redis that the password is for.
  const user = username === 'default' && password ? undefined : username;
  const [auth, select] = await Promise.allSettled([
    user ? client.auth(user, password ?? '') : password ? client.auth(password) : null,
    // Not `client.select`: ioredis would repeat it on the next connection by itself, and ignore the answer.
    db === 0 ? null : client.call('SELECT', db),
  ]);
  if (auth.status === 'rejected') throw auth.reason;
  if (select.status === 'rejected') throw refusedDatabase(select.reason, endpoint);
}
