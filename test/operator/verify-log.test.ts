import { describe, expect, onTestFinished, test } from 'vitest';
import { openControlPlane } from '../../operator/index.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisKeys } from '../../store/redis/keys.ts';
import { hasRedis, startRedis } from '../servers/index.ts';

const keys = redisKeys('default');

async function setUp() {
  const redis = await startRedis();
  const control = await openControlPlane({ store: redisControlStore({ url: redis.url }), operator: { id: 'ann' } });
  onTestFinished(() => control.close());
  await control.init();
  for (const target of ['agent:a', 'agent:b', 'agent:c']) await control.kill({ target });
  await control.revive({ target: 'agent:c', reason: 'checked' });
  return { redis, control };
}

/** What an executor of that name would write, whoever does. */
const beat = (applied: object) => {
  const at = new Date().toISOString();
  const idle = { in_flight: 0, draining: 0, agents: [], runs: [], fork: null };
  return {
    id: 'id',
    name: 'bot',
    host: 'h',
    pid: 1,
    version: '0',
    started_at: at,
    at,
    lease_ms: 5000,
    applied,
    ...idle,
  };
};

describe.skipIf(!hasRedis)('a log in Redis', () => {
  test('does not verify without its end, however much of that is missing', async () => {
    const { redis, control } = await setUp();
    expect(await control.verifyLog()).toMatchObject({ ok: true, events: 5 });
    for (const [removed, ends] of [
      [5, 4],
      [4, 3],
      [2, 1],
    ] as const) {
      await redis.cli('XDEL', keys.log, `${removed}-0`);
      expect(await control.verifyLog()).toMatchObject({
        ok: false,
        problem: expect.stringContaining(removed === 2 ? 'Event 3 does not follow event 1' : `ends at epoch ${ends}`),
      });
    }
  });

  test('does not verify with a head beyond it', async () => {
    const { redis, control } = await setUp();
    const head = JSON.parse(String(await redis.cli('GET', keys.head)));
    await redis.cli('SET', keys.head, JSON.stringify({ ...head, epoch: 2 ** 40 }));
    expect(await control.verifyLog()).toMatchObject({
      ok: false,
      problem: expect.stringMatching(/ends at epoch 5, but the store's head says epoch 1099511627776/),
    });
  });

  test('verifies while changes are appended', async () => {
    const { control } = await setUp();
    let appending = true;
    const storm = (async () => {
      for (let n = 0; appending; n += 1) await control.setLimit({ name: `n${n}`, value: 1 });
    })();
    for (let n = 0; n < 20; n += 1) expect(await control.verifyLog()).toMatchObject({ ok: true });
    appending = false;
    await storm;
  });

  test('is compared with what executors have seen, except those that are excluded', async () => {
    const { redis, control } = await setUp();
    const head = JSON.parse(String(await redis.cli('GET', keys.head)));
    const { beats } = keys.executor('bot');
    await redis.cli('APPEND', keys.names, '\nbot\n');
    const says = async (applied: object) => redis.cli('HSET', beats, 'id', JSON.stringify(beat(applied)));
    await says(head);
    expect(await control.verifyLog()).toMatchObject({ ok: true });
    await says({ ...head, hash: 'a'.repeat(64) });
    expect(await control.verifyLog()).toMatchObject({
      ok: false,
      problem: expect.stringMatching(/Executor bot \("bot"\) has seen another event 5 /),
    });
    await says({ ...head, epoch: 9, hash: 'a'.repeat(64) });
    expect(await control.verifyLog()).toMatchObject({
      ok: false,
      problem: expect.stringMatching(/has seen epoch 9, but/),
    });
    await control.recover({ reason: 'it lies', exclude: ['bot'] });
    const now = JSON.parse(String(await redis.cli('GET', keys.head)));
    await says({ ...now, hash: 'a'.repeat(64) });
    expect(await control.verifyLog()).toMatchObject({ ok: true });
    await says({ ...now, epoch: now.epoch + 5, hash: 'a'.repeat(64) });
    expect(await control.verifyLog()).toMatchObject({ ok: true });
  });
});
