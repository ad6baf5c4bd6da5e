import { rmSync } from 'node:fs';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { hasRedis, type RedisServer, startRedis } from '../../servers/index.ts';
import { append, beat, failure, goLive, init, kill, killData, openControl, openExecutor, plan } from './harness.ts';

const KEY = (name: string): string => `kill-switch:{default}:${name}`;

describe.skipIf(!hasRedis)('a Redis that answers, but refuses writes or lacks data', () => {
  const setUp = async (options: Parameters<typeof startRedis>[0] = {}) => {
    const redis = await startRedis(options);
    const at = { url: redis.url };
    const [control, executor] = [openControl(at), openExecutor(at)];
    await init(control);
    const head = await goLive(control);
    const confirm = () => executor.confirm(beat(executor.id, head), 'n');
    expect((await confirm()).events).toEqual([]);
    return { redis, at, control, executor, head, confirm };
  };

  test('demoted to a replica: reads go on, a confirmation and a kill do not, until it is the master again', async () => {
    const { redis, control, executor, head, confirm } = await setUp();
    const change = await plan(control, 'kill', killData('all'));
    await redis.cli('REPLICAOF', '127.0.0.1', 1);
    const refused = { code: 'STORE_READ_ONLY', message: expect.stringMatching(/READONLY.*is a replica/) };
    expect(await failure(confirm())).toMatchObject(refused);
    expect(await failure(control.append(change))).toMatchObject(refused);
    expect(await executor.load(head, 'n')).toMatchObject({ head, linked: true });
    await redis.cli('REPLICAOF', 'NO', 'ONE');
    expect((await confirm()).events).toEqual([]);
    expect(await control.append(change)).toBe(true);
  });

  test('disk trouble (MISCONF): reads go on, a confirmation and a kill do not', async () => {
    const { redis, control, head, confirm } = await setUp({ config: ['appendonly no', 'save 3600 1'] });
    const change = await plan(control, 'kill', killData('all'));
    rmSync(redis.dir, { recursive: true });
    await redis.cli('BGSAVE');
    await expect.poll(() => redis.cli('INFO', 'persistence')).toMatch(/rdb_last_bgsave_status:err/);
    const refused = { code: 'STORE_READ_ONLY', message: expect.stringMatching(/MISCONF.*its disk/) };
    expect(await failure(confirm())).toMatchObject(refused);
    expect(await failure(control.append(change))).toMatchObject(refused);
    expect((await control.read([])).head).toEqual(head);
    await redis.cli('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no');
    expect((await confirm()).events).toEqual([]);
    expect(await control.append(change)).toBe(true);
  });

  test.each(['allkeys-lru', 'volatile-ttl'])(
    'that removes keys to make room (%s): nothing is given back, and a kill gets through',
    async (policy) => {
      const { redis, control } = await setUp();
      expect(await control.problem()).toBe(null);
      await redis.cli('CONFIG', 'SET', 'maxmemory-policy', policy);
      expect(await control.problem()).toBe(null); // there is no end of its memory
      await redis.cli('CONFIG', 'SET', 'maxmemory', '100mb');
      expect(await control.problem()).toMatch(new RegExp(`${policy}.*CONFIG SET maxmemory-policy noeviction`));
      const refused = { code: 'INVALID_STATE', message: expect.stringContaining('maxmemory-policy noeviction') };
      expect(await failure(append(control, 'feature', { name: 'x', stage: 'live' }))).toMatchObject(refused);
      expect(await failure(init(openControl({ url: redis.url, organizationId: 'another' })))).toMatchObject(refused);
      await kill(control, 'all');
      await redis.cli('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
      expect(await control.problem()).toBe(null);
      await append(control, 'feature', { name: 'x', stage: 'live' });
    },
  );

  test('memory full: nobody confirms and nothing is loosened, but a kill gets through and is pushed', async () => {
    const { redis, control, executor, head, confirm } = await setUp({ config: ['maxmemory-policy noeviction'] });
    const pushed = new Promise((resolve) => executor.follow((push) => push.type === 'event' && resolve(push.event)));
    await expect.poll(() => redis.cli('PUBSUB', 'NUMSUB', KEY('events'))).toEqual([KEY('events'), 1]);
    await redis.cli('CONFIG', 'SET', 'maxmemory', '1mb');
    const refused = { code: 'STORE_READ_ONLY', message: expect.stringMatching(/OOM.*memory is full/) };
    expect(await failure(confirm())).toMatchObject(refused);
    expect(await failure(append(control, 'feature', { name: 'x', stage: 'live' }))).toMatchObject(refused);
    const killed = await kill(control, 'all');
    expect(killed.epoch).toBe(head.epoch + 1);
    expect(await pushed).toMatchObject({ seq: killed.epoch, hash: killed.hash });
    await redis.cli('CONFIG', 'SET', 'maxmemory', 0);
    expect((await confirm()).events).toMatchObject([{ seq: killed.epoch }]);
  });

  test('too few replicas in reach: no confirmation', async () => {
    const { redis, control, confirm } = await setUp();
    await redis.cli('CONFIG', 'SET', 'min-replicas-to-write', 1);
    expect(await failure(confirm())).toMatchObject({
      code: 'STORE_READ_ONLY',
      message: expect.stringMatching(/NOREPLICAS/),
    });
    expect(await failure(kill(control, 'all'))).toMatchObject({ code: 'STORE_READ_ONLY' });
    await redis.cli('CONFIG', 'SET', 'min-replicas-to-write', 0);
    expect((await confirm()).events).toEqual([]);
  });

  test.each(['head', 'state', 'log', 'changes', 'executor-names', 'executor:test:beats', 'executor:test:fork-reports'])(
    'with a value of the wrong type under %s no executor is confirmed',
    async (name) => {
      const { redis, control, confirm } = await setUp();
      await redis.cli('RENAME', KEY(name), 'aside').catch(() => {}); // some are not there yet
      const text = /head|changes|names|fork-reports/.test(name);
      await redis.cli(text ? 'LPUSH' : 'SET', KEY(name), 'x');
      expect(await failure(confirm())).toMatchObject({
        code: 'CORRUPT',
        message: expect.stringMatching(/WRONGTYPE|remove it \(DEL\)/),
      });
      if (['head', 'state', 'log'].includes(name)) {
        expect(await failure(kill(control, 'all'))).toMatchObject({ code: 'CORRUPT' });
        expect(await redis.cli('TYPE', KEY(name))).toBe(text ? 'list' : 'string');
      }
      await redis.cli('DEL', KEY(name));
      await redis.cli('RENAME', 'aside', KEY(name)).catch(() => {});
      expect((await confirm()).events).toEqual([]); // nothing was written in part
      expect(await kill(control, 'all')).toMatchObject({ epoch: 3 });
    },
  );

  test.each([
    ['text that is not JSON', '{"epoch":'],
    ['JSON of another shape', '{"epoch":"2"}'],
    ['JSON that is no object', '7'],
    ['nothing', ''],
  ])('a head of %s is no confirmation', async (_, text) => {
    const { redis, control, executor, confirm } = await setUp();
    await redis.cli('SET', KEY('head'), text);
    for (const ask of [confirm, () => executor.load(null, 'n'), () => control.read([]), () => kill(control, 'all')])
      expect(await failure(ask()), ask.toString()).toMatchObject({ code: 'CORRUPT' });
  });

  test('a store whose log was deleted does not confirm, but a kill gets through, and then no held head is in the log', async () => {
    const { redis, control, executor, head, confirm } = await setUp();
    await redis.cli('DEL', KEY('log'));
    expect(await failure(confirm())).toMatchObject({
      code: 'CORRUPT',
      message: expect.stringMatching(/ends in nothing.*recover/),
    });
    await kill(control, 'all');
    expect((await confirm()).events).toBeNull();
    expect((await executor.load(head, 'n')).linked).toBe(false);
  });

  test('a store whose state was deleted takes no change, which would hide that its kills are lost, until the rest is deleted too', async () => {
    const { redis, control, confirm } = await setUp();
    await kill(control, 'agent:x');
    await redis.cli('DEL', KEY('state'));
    for (const ask of [confirm, () => control.read([]), () => goLive(control)])
      expect(await failure(ask())).toMatchObject({
        code: 'CORRUPT',
        message: expect.stringMatching(/DEL kill-switch:\{default\}:head/),
      });
    await redis.cli('DEL', KEY('head'), KEY('log'));
    expect(await append(control, 'recover', { generation: 'g2', given_up: [] })).toMatchObject({ recovered: true });
    expect((await confirm()).events).toBeNull();
  });

  test('a store whose head alone was deleted is empty for executors, and takes no init over the remains', async () => {
    const { redis, control, executor, head, confirm } = await setUp();
    await kill(control, 'agent:x');
    await redis.cli('DEL', KEY('head'));
    expect(await confirm()).toMatchObject({ head: null, events: null });
    expect(await executor.load(head, 'n')).toMatchObject({ head: null, entries: [], linked: false });
    const view = await control.read(['kill:agent:x']);
    expect([view.head, view.get('kill', 'agent:x')]).toEqual([null, undefined]);
    expect(await failure(init(control))).toMatchObject({ code: 'CORRUPT', message: expect.stringMatching(/RENAME/) });
  });

  test('a store whose log goes on beyond the head takes no change, and a change leaves no trace', async () => {
    const { redis, control, executor, confirm } = await setUp();
    await redis.cli('XADD', KEY('log'), '9-0', 'event', 'x');
    expect(await failure(confirm())).toMatchObject({ code: 'CORRUPT' });
    expect(await failure(kill(control, 'agent:x'))).toMatchObject({
      code: 'CORRUPT',
      message: expect.stringMatching(/beyond the head/),
    });
    expect([...(await executor.load(null, 'n')).entries].map(([key]) => key)).not.toContain('kill:agent:x');
  });

  test('an unreadable entry of the state is an error when it is read', async () => {
    const { redis, control, executor } = await setUp();
    await kill(control, 'agent:x');
    await redis.cli('HSET', KEY('state'), 'kill:agent:x', '{"id"');
    const { entries } = await executor.load(null, 'n');
    expect(() => [...entries]).toThrow(
      expect.objectContaining({ code: 'CORRUPT', message: expect.stringMatching(/kill:agent:x/) }),
    );
    expect(await failure(control.read(['control', 'kill:agent:x']))).toMatchObject({ code: 'CORRUPT' });
    const toKill = (await control.read(['kill:agent:x'])).get('kill', 'agent:x');
    expect(toKill).toMatchObject({ mode: 'full_stop', expires_at: null, set_aside: '{"id"' });
  });

  test('FLUSHALL, and a server that comes back empty, are an empty store in which the held head is not', async () => {
    const { redis, control, executor, head, confirm } = await setUp();
    const empty = { head: null, events: null, forkReported: false };
    await redis.cli('FLUSHALL');
    expect(await confirm()).toMatchObject(empty);
    expect((await control.executors()).map(({ applied }) => applied)).toEqual([head]); // it held this
    await redis.restart({ empty: true });
    expect(await confirm()).toMatchObject(empty);
    expect(await executor.load(head, 'n')).toMatchObject({ head: null, entries: [], linked: false });
    await init(control);
    expect(await confirm()).toMatchObject({ head: { epoch: 1 }, events: null });
  });

  test('a server that comes back from an older copy does not have the held head, also after further changes', async () => {
    const { redis, control, executor, head, confirm } = await setUp();
    const copy = await redis.copyData();
    const lost = await kill(control, 'agent:lost');
    const held = () => executor.confirm(beat(executor.id, lost), 'n');
    expect((await held()).events).toEqual([]);
    await redis.restart({ fromCopy: copy });
    expect(await held()).toMatchObject({ head, events: null });
    expect((await executor.load(lost, 'n')).linked).toBe(false);
    await kill(control, 'agent:other');
    await kill(control, 'agent:more');
    expect(await held()).toMatchObject({ head: { epoch: 4 }, events: null });
    expect((await executor.load(lost, 'n')).linked).toBe(false);
    expect((await confirm()).events).toMatchObject([{ seq: 3 }, { seq: 4 }]); // it goes on
  });

  describe('by its ACL', () => {
    const user = async (redis: RedisServer, ...rules: string[]) => {
      await redis.cli(
        'ACL',
        'SETUSER',
        'dana',
        'reset',
        'on',
        '>hunter2',
        '~kill-switch:*',
        '&kill-switch:*',
        '+@all',
        ...rules,
      );
      return { url: redis.url.replace('redis://', 'redis://dana:hunter2@') };
    };

    test('a user who lacks the channel, a command or a key appends nothing at all', async () => {
      const { redis, control } = await setUp();
      const change = await plan(control, 'kill', killData('all'));
      for (const rules of [
        ['resetchannels'],
        ['-xadd'],
        ['-hdel'],
        ['-incr'],
        ['resetkeys', `~${KEY('head')}`, `~${KEY('log')}`],
      ]) {
        const denied = openControl(await user(redis, ...rules));
        expect(await failure(denied.append(change)), rules.join(' ')).toMatchObject({
          code: 'NOT_PERMITTED',
          message: expect.stringMatching(/NOPERM.*ACL LOG/),
        });
        expect((await control.read(['kill:all'])).get('kill', 'all'), rules.join(' ')).toBeUndefined();
        expect((await control.read([])).head).toEqual(change.expected);
      }
      expect(await openControl(await user(redis)).append(change)).toBe(true);
    });

    test('an executor that may run scripts needs only their commands, and not FCALL, INFO, CLIENT or HELLO', async () => {
      const { redis, head } = await setUp();
      const rules = [
        '-@all',
        '+get',
        '+hgetall',
        '+xrange',
        '+evalsha',
        '+eval',
        '+exists',
        '+pttl',
        '+pexpire',
        '+hexists',
        '+xrevrange',
        '+hset',
        '+getrange',
        '+strlen',
        '+append',
        '+set',
        '+incr',
        '+hget',
        '+hdel',
        '+subscribe',
        '+time',
        '+ping',
      ];
      const executor = openExecutor(await user(redis, ...rules));
      const gap = new Promise<void>((resolve) => executor.follow((push) => push.type === 'gap' && resolve()));
      expect((await executor.load(head, 'n')).linked).toBe(true);
      expect((await executor.confirm(beat(executor.id, head), 'n')).events).toEqual([]);
      await gap;
      await executor.leave();
    });

    test('wrong, missing and revoked credentials say what to do, and never the password', async () => {
      const redis = await startRedis({ password: 's3cret/word' });
      await init(openControl({ url: redis.url }));
      for (const [wrong, code] of [
        [redis.url.replace(/:[^:@/]*@/, ':hunter2@'), /WRONGPASS/],
        [redis.url.replace(/\/\/.*@/, '//nobody:hunter2@'), /WRONGPASS/],
        [redis.url.replace(/\/\/.*@/, '//'), /NOAUTH/],
      ] as const) {
        const executor = openExecutor({ url: wrong, requestTimeoutMs: 300 });
        const error = await failure(executor.confirm(beat(executor.id, null), 'n'));
        expect(error).toMatchObject({ code: 'NOT_PERMITTED', message: expect.stringMatching(code) });
        expect(await failure(openExecutor({ url: wrong, requestTimeoutMs: 300 }).load(null, 'n'))).toMatchObject({
          code: 'NOT_PERMITTED',
          message: expect.stringMatching(code),
        });
        expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/hunter2/);
      }
    });
  });
});
