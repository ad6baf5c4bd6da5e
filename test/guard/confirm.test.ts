import { describe, expect, test } from 'vitest';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { hasRedis, startRedis } from '../servers/index.ts';
import { openSwitch } from './open-switch.ts';

describe.skipIf(!hasRedis)('an action that cannot be undone, where the store refuses to confirm anything', () => {
  test('is blocked at once, with the store’s own error', async () => {
    const redis = await startRedis();
    const { url } = redis;
    const { killSwitch } = await openSwitch(
      { store: redisStore({ url }), controlStore: redisControlStore({ url }) },
      { agentId: 'x', leaseMs: 60_000 },
    );
    const pay = killSwitch.action({ name: 'pay.out', irreversible: true, execute: () => 'paid' });
    expect(await pay.attempt(null)).toMatchObject({ status: 'executed' });
    await redis.cli('CONFIG', 'SET', 'min-replicas-to-write', '1');
    await redis.cli('CONFIG', 'RESETSTAT');
    for (let time = 0; time < 5; time += 1) {
      const { status, decision } = await pay.attempt(null);
      expect({ status, cause: decision.cause }).toMatchObject({
        status: 'blocked',
        cause: { kind: 'fault', code: 'JOURNAL_UNAVAILABLE', message: expect.stringContaining('NOREPLICAS') },
      });
    }
    const stats = String(await redis.cli('INFO', 'errorstats'));
    const refused = Number(/errorstat_NOREPLICAS:count=(\d+)/.exec(stats)?.[1]);
    expect(refused).toBeGreaterThan(0);
    expect(refused).toBeLessThan(20); // five calls, and the executor's own confirmations beside them
  });
});
