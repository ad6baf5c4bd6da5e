import type { Redis } from 'ioredis';
import { isReply } from './errors.ts';

/**
 * Why this Redis may remove what it has acknowledged to make room; null where it does not, or does not say. Any policy
 * but `noeviction` may: those that take only keys with an expiry take what is spent of a budget with a window.
 */
export async function evictionProblem(client: Redis): Promise<string | null> {
  const info = await client.call('INFO', 'memory').catch((error: unknown) => {
    if (isReply(error)) return ''; // a user whose rules an older version has printed may not ask
    throw error;
  });
  const said = (field: string): string | undefined =>
    new RegExp(`^${field}:([\\w-]{1,40})\\r?$`, 'm').exec(String(info))?.[1];
  const [most, policy] = [said('maxmemory'), said('maxmemory_policy')];
  if (policy === undefined || policy === 'noeviction' || most === undefined || most === '0') return null;
  return `removes keys when its memory is full (maxmemory-policy ${policy}), and with them what was used, done and spent: it would be used, done and spent once more. Mend it there: CONFIG SET maxmemory-policy noeviction, and in its redis.conf`;
}
