import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { createKillSwitch } from '../../index.ts';
import type { ControlPlane } from '../../operator/index.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { hasRedis } from '../servers/index.ts';
import { Scene } from './scene.ts';

const PASSWORD = 'hunter2/9:x@y';
const FORMS = [PASSWORD, encodeURIComponent(PASSWORD), 'hunter2'];

const whole = (value: unknown): string => {
  const texts = [inspect(value, { depth: 20, showHidden: true, maxStringLength: null, maxArrayLength: null })];
  if (value instanceof Error) texts.push(String(value), value.stack ?? '', whole(value.cause));
  else texts.push(JSON.stringify(value) ?? '');
  return texts.join('\n');
};

/** Everything that a person may get to see. */
class Seen {
  readonly all: unknown[] = [];

  async errorOf(work: () => unknown): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.all.push(error);
      return;
    }
    throw new Error('It should have failed.');
  }

  expectNoSecret(): void {
    assert.ok(this.all.length > 0);
    for (const text of this.all.map(whole)) for (const form of FORMS) assert.ok(!text.includes(form), text);
  }
}

const asked = (control: ControlPlane): ReadonlyArray<() => Promise<unknown>> => [
  () => control.init(),
  () => control.status(),
  () => control.kill({ target: 'agent:x' }),
  () => control.setMode({ mode: 'live', reason: 'a test' }),
  () => control.recover({ reason: 'a test' }),
  () => control.verifyLog(),
  () => control.log()[Symbol.asyncIterator]().next(),
];

describe.skipIf(!hasRedis)('the password in the URL of a Redis', () => {
  test('is in no error, event, decision, status or report, whatever goes wrong', {
    timeout: 60_000,
  }, async (context) => {
    const scene = new Scene(context);
    const redis = await scene.redis({ password: PASSWORD });
    const seen = new Seen();
    const control = await scene.live(redisControlStore({ url: redis.url }));
    const store = redisStore({ url: redis.url });
    const executor = await scene.executor({ store });
    await executor.goes();
    await control.kill({ target: 'agent:other', waitMs: 2000 });
    seen.all.push(store, redisControlStore({ url: redis.url }), control, executor.killSwitch);
    seen.all.push(await control.status(), (await control.kills()).data, (await control.surfaces()).data);

    // On one connection: open connections stay, and no new one is made with the old password.
    const admin = scene.own(new Redis({ port: redis.port, password: PASSWORD }), (client) => client.disconnect());
    await admin
      .pipeline()
      .config('SET', 'requirepass', 'another')
      .call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      .call('CLIENT', 'KILL', 'TYPE', 'pubsub')
      .exec();
    admin.disconnect();
    await executor.stops('STORE_READ_ONLY');
    await Promise.all(asked(control).map((ask) => seen.errorOf(ask)));
    await redis.kill();
    await executor.stops('STORE_UNREACHABLE');
    await Promise.all(asked(control).map((ask) => seen.errorOf(ask)));
    await redis.restart();
    await executor.goes(performance.now());
    await redis.freeze();
    await executor.stops('STORE_UNREACHABLE');
    await Promise.all(asked(control).map((ask) => seen.errorOf(ask)));
    await redis.thaw();
    await executor.goes(performance.now());
    await redis.cli('FLUSHALL');
    await executor.stops('GENERATION_CHANGED');

    seen.all.push(executor.looks, executor.events, await control.interventions());
    expect(executor.looks.map(({ message }) => message).join()).toMatch(/WRONGPASS|NOAUTH/);
    seen.expectNoSecret();
  });

  test('is in no refusal of a URL that cannot be read', async () => {
    expect(whole(new Error('x', { cause: { url: PASSWORD } }))).toContain(PASSWORD); // so a leak would be found
    const seen = new Seen();
    for (const url of [
      `redis://:${PASSWORD}@localhost:6379`,
      'redis://:hunter2@localhost:notaport',
      'redis://:hunter2%@localhost',
      'http://:hunter2@localhost',
      'redis://:hunter2@',
      'redis://:hunter2@localhost/x',
      'redis://:hunter2@localhost?a=b',
      '://:hunter2@localhost',
      ':hunter2@localhost',
    ]) {
      await seen.errorOf(() => createKillSwitch({ store: redisStore({ url }), domain: 'secrets' }));
      await seen.errorOf(() => redisControlStore({ url }));
    }
    seen.expectNoSecret();
  });
});
