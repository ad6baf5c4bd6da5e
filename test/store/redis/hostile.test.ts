import { randomUUID } from 'node:crypto';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { GENESIS, sealEvent, serializeEvent } from '../../../flags/index.ts';
import { openControlPlane } from '../../../operator/index.ts';
import { OWN_ACCESS, RUN_ACCESS, SHARED_ACCESS } from '../../../store/redis/access.ts';
import { executorUser, operatorUser } from '../../../store/redis/acl.ts';
import { redisControlStore } from '../../../store/redis/control.ts';
import { redisStore } from '../../../store/redis/index.ts';
import { OWN_KEYS, type OwnKey, SHARED_KEYS, type SharedKey } from '../../../store/redis/keys.ts';
import { MOST_NAME_BYTES } from '../../../store/redis/names.ts';
import { hasRedis, type RedisServer, startRedis } from '../../servers/index.ts';
import { asUser, DEFAULT_SCOPE, DENIED, type RedisCommand, urlOf } from './acl-users.ts';
import { AT_LARGE, onto } from './attacks.ts';
import { EVIL, HONEST, INTENT, keys, LANDED, setUp } from './hostile-switch.ts';

/** What an executor may do with a shared key by the table: Redis must refuse everything else. */
const MAY: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ...Object.entries(SHARED_ACCESS).map(
    ([key, { executor = [] }]) => [keys[key as SharedKey], executor] as [string, readonly string[]],
  ),
  ...Object.entries(OWN_ACCESS).map(
    ([key, { others = [] }]) => [HONEST[key as OwnKey], others] as [string, readonly string[]],
  ),
  [keys.run('r-1').journalRun, RUN_ACCESS.journalRun.executor ?? []],
]);

/** The list of the run in which the honest executor has done something. */
const OF_RUN = keys.run('r-1').journalRun;

/** What executors of every name add to. */
const GROWING: readonly string[] = [keys.journal, keys.journalRuns, OF_RUN];

/** What the honest executor has written there: the first of each list, and its field. */
const journal = (redis: RedisServer): Promise<unknown[]> =>
  Promise.all([
    redis.cli('HGET', keys.journal, `${INTENT.idempotency_key}\n1`),
    redis.cli('LRANGE', keys.journalRuns, '0', '0'),
    redis.cli('LRANGE', OF_RUN, '0', '0'),
  ]);

describe.skipIf(!hasRedis)('a hostile executor', () => {
  test('can do nothing to shared keys or another name’s but what the table says', async () => {
    const { redis, control, honest, evil } = await setUp();
    const targets = [...Object.keys(SHARED_KEYS).map((key) => keys[key as SharedKey])];
    targets.push(...Object.keys(OWN_KEYS).map((key) => HONEST[key as OwnKey]), OF_RUN);
    targets.push(keys.kept({ epoch: 2, hash: 'a'.repeat(64) }).archived);
    const tries = [...AT_LARGE, ...targets.flatMap((key) => onto(key).map((command) => [...command, key] as const))];
    const taken: string[] = [];
    const whole = async () => {
      const moving = [keys.names, keys.changes, keys.claims, HONEST.beats, ...GROWING, ...Object.values(EVIL)];
      const all = ((await redis.cli('KEYS', '*')) as string[]).sort().filter((key) => !moving.includes(key));
      return Promise.all(all.map(async (key) => [key, String(await redis.cli('DUMP', key))]));
    };
    const before = await whole();
    const written = await journal(redis);
    for (const command of tries) {
      const key = AT_LARGE.includes(command as RedisCommand) ? undefined : (command.at(-1) as string);
      const sent = (key === undefined ? command : command.slice(0, -1)) as RedisCommand;
      const answer = await evil(sent);
      if (typeof answer === 'string' && DENIED.test(answer)) continue;
      taken.push(`${sent[0]} ${key ?? sent.slice(1).join(' ')}`);
      expect(MAY.get(key ?? '') ?? [], `${sent.join(' ')} → ${String(answer)}`).toContain(sent[0].toLowerCase());
    }
    expect(tries.length).toBeGreaterThan(2000);
    // It may read the state, which it has to obey, add a name, as text or with the function for that, count a change,
    // and add to what all have intended. It may also be the first to say that something approved is used: that stops
    // whoever it was approved for, and lets nobody act.
    expect(taken).toEqual([
      `HGETALL ${keys.state}`,
      ...[`APPEND ${keys.names}`, `FCALL ${keys.names}`, `INCR ${keys.changes}`],
      ...[`HSETNX ${keys.journal}`, `RPUSH ${keys.journalRuns}`, `HSETNX ${keys.claims}`, `RPUSH ${OF_RUN}`],
    ]);
    expect(await whole()).toEqual(before);
    expect(await journal(redis)).toEqual(written);
    expect(await honest.journal?.attemptsOf(INTENT.idempotency_key)).toMatchObject([{ ...INTENT, ...LANDED }]);
    expect(await honest.journal?.entriesOf('r-1', { skip: 0, limit: 10 })).toMatchObject({
      data: [
        { ...INTENT, ...LANDED },
        { action: '(an entry that cannot be read)', state: 'intended' },
      ],
    });
    expect(honest.fault()).toBeNull();
    expect(await control.verifyLog()).toMatchObject({ ok: true, events: 2 });
    const { acknowledgements } = await control.kill({ target: 'all', waitMs: 3000 });
    expect(acknowledgements).toMatchObject({ total: 1, drained: 1 });
  });

  test('can put no other type where there is no key yet', async () => {
    const redis = await startRedis();
    const evil = asUser(await urlOf(redis, executorUser(DEFAULT_SCOPE, 'evil')));
    for (const key of Object.keys(SHARED_KEYS).map((each) => keys[each as SharedKey]))
      for (const command of onto(key)) await evil(command);
    expect((await redis.cli('KEYS', 'kill-switch:{default}:*')) as string[]).toEqual(
      expect.arrayContaining([keys.names, keys.changes, keys.claims]),
    );
    expect(await redis.cli('DBSIZE')).toBe(5);
    const types = [keys.names, keys.changes, keys.journal, keys.journalRuns, keys.claims];
    expect(await Promise.all(types.map((key) => redis.cli('TYPE', key)))).toEqual([
      ...['string', 'string', 'hash', 'list', 'hash'],
    ]);
    const control = await openControlPlane({
      store: redisControlStore({ url: await urlOf(redis, operatorUser(DEFAULT_SCOPE)) }),
      operator: { id: 'ann' },
    });
    onTestFinished(() => control.close());
    await control.init();
    const executor = redisStore({ url: await urlOf(redis, executorUser(DEFAULT_SCOPE, 'honest')) }).open({
      organizationId: 'default',
      executorId: 'h',
      executorName: 'honest',
      requestTimeoutMs: 1000,
    });
    onTestFinished(() => executor.close());
    await vi.waitFor(async () => {
      await executor.shelf.put('surfaces', 'h', '[]');
    }, 5000);
    expect((await control.surfaces()).data).toEqual([]);
  });

  test.each([
    ['many', `\n${Array.from({ length: 10_000 }, () => randomUUID()).join('\n')}`],
    ['short', Array.from({ length: 10_000 }, (_, name) => `\n${name}`).join('')],
    ['long', '\n'.padEnd(8 * MOST_NAME_BYTES, 'x')],
  ])(
    'that floods the names with %s ones keeps new names out but hides no old one, and any command of an operator mends it',
    async (_, flood) => {
      const { redis, control, honest, executor, evil } = await setUp();
      await evil(['APPEND', keys.names, flood]);
      for (let round = 0; round < 100; round += 1) await evil(['INCR', keys.changes]);
      expect(honest.fault()).toBeNull();
      expect((await control.executors()).data).toMatchObject([{ name: 'honest' }]);
      const late = await executor('late');
      await vi.waitFor(() => expect(late.fault()?.message).toMatch(/FULL.*kill-switch status/), 5000);
      expect(honest.fault()).toBeNull();

      const url = await urlOf(redis, operatorUser(DEFAULT_SCOPE));
      const another = await openControlPlane({ store: redisControlStore({ url }), operator: { id: 'bob' } });
      await another.status();
      await another.close();
      await vi.waitFor(() => expect(late.fault()).toBeNull(), 5000);
      await vi.waitFor(
        async () => expect((await control.executors()).data.map(({ name }) => name).sort()).toEqual(['honest', 'late']),
        5000,
      );
      expect(honest.fault()).toBeNull();
    },
  );

  test('can write any number of reports of any length: they are bounded, shown as its own, and hold nobody up', async () => {
    const { redis, control, honest, evil } = await setUp();
    await evil(['APPEND', keys.names, '\nevil\n']);
    await evil(['HSET', EVIL.beats, 'x'.repeat(70_000_000), '{}']);
    await evil(['SET', EVIL.forks, '{'.repeat(20_000_000)]);
    await evil(['INCR', keys.changes]);
    expect((await control.executors()).data).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'honest', state: 'stopped' }),
        expect.objectContaining({ id: 'evil', state: 'silent', problem: expect.stringMatching(/too many to read/) }),
      ]),
    );
    await redis.cli('UNLINK', EVIL.beats);
    const many = Array.from({ length: 10_001 }, (_, id) => [`${id}`, 'y']).flat();
    await evil(['HSET', EVIL.beats, ...many]);
    expect((await control.executors()).data).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'honest', state: 'stopped' }),
        expect.objectContaining({ id: 'evil', problem: expect.stringMatching(/10001 were not read/) }),
      ]),
    );
    await vi.waitFor(() => expect(honest.fault()).toBeNull(), 5000);
  });

  test.each([
    ['invalid names, more of them than are read', Array.from({ length: 9000 }, (_, index) => `\n!${index}`).join('')],
    ['few characters in more bytes than are read', `\n${'€'.repeat(MOST_NAME_BYTES / 3 + 1)}`],
  ])('can keep out nobody who comes after an operator: %s', async (_, added) => {
    const { redis, executor, evil } = await setUp();
    await evil(['APPEND', keys.names, `${added}\n`]);
    const url = await urlOf(redis, operatorUser(DEFAULT_SCOPE));
    const control = await openControlPlane({ store: redisControlStore({ url }), operator: { id: 'bob' } });
    onTestFinished(() => control.close());
    await control.status();
    await vi.waitFor(async () => expect(await redis.cli('STRLEN', keys.names)).toBeLessThan(100), 5000);
    const late = await executor('late');
    await vi.waitFor(() => expect(late.fault()).toBeNull(), 5000);
  });

  test('an executor may publish no forged push; one of an operator stops executors', async () => {
    const { redis, control, honest, evil } = await setUp();
    const { head } = await control.status();
    const forged = sealEvent({
      seq: head.epoch + 1,
      at: new Date().toISOString(),
      actor: 'unverified:ann',
      type: 'kill',
      data: { id: randomUUID(), target: 'all', mode: 'full_stop', expires_at: null },
      reason: null,
      prev: head.hash,
    });
    expect(await evil(['PUBLISH', keys.channel, serializeEvent(forged)])).toMatch(DENIED);
    // An event that does not follow the head, or is not sealed, only makes an executor ask.
    const elsewhere = serializeEvent(sealEvent({ ...withoutHash(forged), prev: GENESIS }));
    for (const text of ['', '{', elsewhere, serializeEvent(forged).replace('full_stop', 'live')]) {
      await redis.cli('PUBLISH', keys.channel, text);
      expect(honest.fault()).toBeNull();
    }
    await redis.cli('PUBLISH', keys.channel, serializeEvent(forged));
    await vi.waitFor(() => expect(honest.fault()?.code).toBe('GENERATION_CHANGED'), 5000);
    await control.recover({ reason: 'forged' });
    await vi.waitFor(() => expect(honest.fault()).toBeNull(), 5000);
  });
});

const withoutHash = <T extends { readonly hash: string }>({ hash: _, ...rest }: T): Omit<T, 'hash'> => rest;
