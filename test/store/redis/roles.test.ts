import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openControlPlane } from '../../../operator/index.ts';
import {
  type Access,
  KEPT_ACCESS,
  KEYLESS,
  OWN_ACCESS,
  REDIS_ROLES,
  RUN_ACCESS,
  SHARED_ACCESS,
} from '../../../store/redis/access.ts';
import { archiverUser, executorUser, operatorUser, viewerUser } from '../../../store/redis/acl.ts';
import { redisControlStore } from '../../../store/redis/control.ts';
import { redisStore } from '../../../store/redis/index.ts';
import {
  KEPT_KEYS,
  type KeptKey,
  OWN_KEYS,
  type OwnKey,
  redisKeys,
  RUN_KEYS,
  type RunKey,
  SHARED_KEYS,
  type SharedKey,
} from '../../../store/redis/keys.ts';
import { hasRedis, type RedisServer, startRedis, temporaryFolder } from '../../servers/index.ts';
import { asUser, DEFAULT_SCOPE, DENIED, type RedisCommand, urlOf } from './acl-users.ts';
import { grow, planeOf } from './archivable.ts';
import { beat } from './harness.ts';

const keys = redisKeys('default');
const HONEST = keys.executor('honest');

/** A switch with an executor, each with its own user, on that server. */
async function setUp(redis: RedisServer) {
  const operator = await urlOf(redis, operatorUser(DEFAULT_SCOPE));
  const control = await openControlPlane({ store: redisControlStore({ url: operator }), operator: { id: 'ann' } });
  onTestFinished(() => control.close());
  await control.init();
  await control.kill({ target: 'agent:x' });
  const url = await urlOf(redis, executorUser(DEFAULT_SCOPE, 'honest'));
  const scope = { organizationId: 'default', executorId: 'h', executorName: 'honest', requestTimeoutMs: 2000 };
  const executor = redisStore({ url }).open(scope);
  onTestFinished(() => executor.close());
  const confirm = async () => {
    const { head } = await control.status();
    return executor.confirm(beat('h', head, { name: 'honest' }), 'n');
  };
  await vi.waitFor(async () => expect(await confirm()).toMatchObject({ events: [], forkReported: false }), 5000);
  await executor.shelf.put('surfaces', 'h', '[]');
  await executor.shelf.put('checkpoints', 'r', '{}');
  await executor.shelf.appendInterventions(['{"at":"2026-01-01T00:00:00.000Z"}']);
  await executor.shelf.appendProposals(['{"at":"2026-01-01T00:00:00.000Z"}']);
  await executor.shelf.appendSeen(['{"at":"2026-01-01T00:00:00.000Z"}']);
  return { control, executor, confirm, operator };
}

/** The built command as another process, with what it printed so far. */
function command(url: string, ...args: readonly string[]) {
  const main = join(import.meta.dirname, '../../../dist/operator/cli/main.js');
  const child = spawn(process.execPath, [main, ...args, '--store', url], { cwd: temporaryFolder('roles').path });
  onTestFinished(() => void child.kill('SIGKILL'));
  const printed = { out: '', err: '' };
  child.stdout.on('data', (data) => (printed.out += data));
  child.stderr.on('data', (data) => (printed.err += data));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, printed, ended };
}

/** A Redis by itself, or a Cluster of one, on which the keys that one command names must be of one slot. */
const SERVERS: ReadonlyArray<readonly [string, () => Promise<RedisServer>]> = [
  ['plain Redis', () => startRedis()],
  [
    'a Cluster',
    async () => {
      const redis = await startRedis({ config: ['cluster-enabled yes'] });
      await redis.cli('CLUSTER', 'ADDSLOTSRANGE', 0, 16383);
      await vi.waitFor(async () => expect(await redis.cli('CLUSTER', 'INFO')).toMatch(/cluster_state:ok/), 10_000);
      return redis;
    },
  ],
];

describe.skipIf(!hasRedis)('an operator’s user', () => {
  test.each(SERVERS)(
    'appends, reads, forgets and recovers, on %s, and is denied nothing that it needs',
    async (_, start) => {
      const redis = await start();
      const { control, confirm } = await setUp(redis);
      await control.setMode({ mode: 'live', reason: 'test' });
      await control.revive({ target: 'agent:x', reason: 'test' });
      expect((await control.executors()).data).toMatchObject([{ id: 'h', writer: 'name honest' }]);
      expect((await control.interventions()).data).toEqual([]); // neither of the two texts is an intervention
      await control.recover({ reason: 'test' });
      await control.forgetExecutor('h');
      await expect(control.forgetExecutor('\ufffd')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      expect((await control.executors()).data).toEqual([]);
      await confirm();
      expect((await control.executors()).data).toHaveLength(1);
      expect(await control.verifyLog()).toMatchObject({ ok: true, events: 5 });
      expect(await redis.cli('ACL', 'LOG')).toEqual([]);
    },
  );

  test('can delete, cut or rename nothing, write no executor’s report, and change nothing of the server', async () => {
    const redis = await startRedis();
    const { control, operator } = await setUp(redis);
    const send = asUser(operator);
    const all = [
      ...Object.keys(SHARED_KEYS).map((key) => keys[key as SharedKey]),
      ...Object.keys(OWN_KEYS).map((key) => HONEST[key as OwnKey]),
    ];
    const tries: readonly RedisCommand[] = [
      ...all.flatMap((key): RedisCommand[] => [
        ['DEL', key],
        ['RENAME', key, 'aside'],
        ['COPY', key, `${key}2`],
        ['RESTORE', key, 0, 'x', 'REPLACE'],
        ['EXPIRE', key, 1],
        ['PERSIST', key],
        ['XTRIM', key, 'MAXLEN', 0],
        ['XDEL', key, '1-0'],
        ['XSETID', key, '9-0'],
        ['GETDEL', key],
        ['RPUSH', key, 'x'],
        ['SORT', key, 'STORE', 'aside'],
        ['EVAL', `return redis.call('DEL', KEYS[1])`, 1, key],
      ]),
      ...[keys.log, keys.state, HONEST.beats, HONEST.surfaces].map((key): RedisCommand => ['SET', key, 'x']),
      ...[keys.log, HONEST.forks].map((key): RedisCommand => ['UNLINK', `${key}:other`]),
      ['UNLINK', keys.log],
      ['UNLINK', keys.state],
      ['XTRIM', keys.log, 'MINID', '=', '0-0'],
      ['HSET', keys.kept({ epoch: 2, hash: 'x' }).archived, 'x', 'x'],
      ['UNLINK', keys.kept({ epoch: 2, hash: 'x' }).archived],
      ['HSET', HONEST.beats, 'h', '{}'],
      ['HSET', HONEST.surfaces, 'h', '[]'],
      ['SET', HONEST.forks, '{}'],
      ['XADD', HONEST.proposals, '*', 'record', '{}'],
      ['XADD', HONEST.interventions, 'MAXLEN', 0, '*', 'record', '{}'],
      ['XADD', HONEST.seen, 'MAXLEN', 0, '*', 'record', '{}'],
      ['HSET', HONEST.checkpoints, 'r', '{}'],
      ['HGET', HONEST.checkpoints, 'r'],
      ['EVAL', `return redis.call('HSET', '${HONEST.beats}', 'h', '{}')`, 0],
      ['FLUSHALL'],
      ['CONFIG', 'GET', '*'],
      ['ACL', 'LIST'],
      ['SCRIPT', 'FLUSH'],
      ['FUNCTION', 'FLUSH'],
      ['FUNCTION', 'DELETE', 'x'],
      ['CLIENT', 'KILL', 'TYPE', 'normal'],
      ['SHUTDOWN'],
      ['KEYS', '*'],
      ['PUBLISH', 'another', 'x'],
    ];
    for (const each of tries) expect(await send(each), each.join(' ')).toMatch(DENIED);
    expect(await control.verifyLog()).toMatchObject({ ok: true });
    expect((await control.executors()).data).toMatchObject([{ id: 'h' }]);
  });

  test('could cut the log while adding to it, which an ACL cannot forbid: that is noticed, and executors stop', async () => {
    const redis = await startRedis();
    const { control, confirm, operator } = await setUp(redis);
    await asUser(operator)(['XADD', keys.log, 'MAXLEN', 1, '3-0', 'event', '{}']);
    expect(await control.verifyLog()).toMatchObject({ ok: false });
    await expect(confirm()).rejects.toMatchObject({ code: 'CORRUPT' });
  });
});

describe.skipIf(!hasRedis)('an archiver’s user', () => {
  test.each(SERVERS)(
    'does what an operator does, and archives, on %s; it is denied nothing that it needs',
    async (_, start) => {
      const redis = await start();
      const { control: operator } = await setUp(redis);
      const url = await urlOf(redis, archiverUser(DEFAULT_SCOPE));
      const control = await planeOf(url);
      await grow(redis, 2200);
      await operator.forgetExecutor('h');
      const file = join(temporaryFolder('archiver').path, 'archive.jsonl');
      expect(await control.archiveLog({ file, reason: 'test' })).toMatchObject({ epoch: 1000 });
      await control.kill({ target: 'agent:y', waitMs: 0 });
      await control.recover({ reason: 'test' });
      expect(await control.verifyLog({ against: file })).toMatchObject({ ok: true, archived: { epoch: 1000 } });
      expect(await redis.cli('ACL', 'LOG')).toEqual([]);
      const send = asUser(url);
      for (const command of [
        ['XTRIM', HONEST.proposals, 'MAXLEN', 0],
        ['XDEL', keys.log, '1000-0'],
        ['UNLINK', keys.log],
        ['PERSIST', keys.log],
        ['HSET', HONEST.beats, 'h', '{}'],
        ['HDEL', keys.kept({ epoch: 1000, hash: 'x' }).archived, 'head'],
      ] as const)
        expect(await send(command), command.join(' ')).toMatch(DENIED);
    },
  );
});

describe.skipIf(!hasRedis)('a viewer’s user', () => {
  test.each(SERVERS)(
    'runs all that lists and watches, on %s, and changes nothing',
    async (_, start) => {
      const redis = await start();
      const { control } = await setUp(redis);
      const url = await urlOf(redis, viewerUser(DEFAULT_SCOPE));
      const before = (await control.status()).head;
      const shown: ReadonlyArray<readonly [string, string]> = [
        ['status', 'honest'],
        ['executors', 'honest'],
        ['kills', 'agent:x'],
        ['log', 'agent:x'],
        ['log verify', 'The log is whole'],
        ['interventions', ''],
        ['interventions --proposals', ''],
        ['surfaces', ''],
        ['features', ''],
        ['limits', ''],
        ['mode', 'draft_only'],
      ];
      for (const [verb, says] of shown) {
        const { printed, ended } = command(url, ...verb.split(' '));
        expect({ verb, code: await ended, err: printed.err }).toMatchObject({ verb, code: 0 });
        expect(printed.out).toContain(says);
      }
      const watch = command(url, 'watch');
      await vi.waitFor(() => expect(watch.printed.out).toContain('Watching from epoch'), 10_000);
      await control.kill({ target: 'agent:y' });
      await vi.waitFor(() => expect(watch.printed.out).toContain('agent:y'), 10_000);
      watch.child.kill('SIGINT');
      expect(await watch.ended).toBe(0);
      expect(await redis.cli('ACL', 'LOG')).toEqual([]); // no command was denied

      // It fails at once, since trying again could not mend it.
      const changes = ['kill all --wait 0', 'mode live --reason x', 'recover --reason x', 'executors forget h'];
      await Promise.all(
        changes.map(async (verb) => {
          const { printed, ended } = command(url, ...verb.split(' '));
          expect({ verb, code: await ended }).toEqual({ verb, code: 1 });
          expect(printed.err).toContain('NOPERM');
          expect(printed.err).not.toContain('was not acknowledged');
        }),
      );
      expect((await control.status()).head.epoch).toBe(before.epoch + 1);
      expect((await control.executors()).data).toMatchObject([{ id: 'h' }]);
    },
    120_000,
  );

  test('can write nothing by hand, and run no script', async () => {
    const redis = await startRedis();
    await setUp(redis);
    const send = asUser(await urlOf(redis, viewerUser(DEFAULT_SCOPE)));
    const all = ((await redis.cli('KEYS', '*')) as string[]).sort();
    expect(all.length).toBeGreaterThan(8);
    for (const key of all)
      for (const each of [
        ['DEL', key],
        ['SET', key, 'x'],
        ['HSET', key, 'x', 'x'],
        ['HDEL', key, 'x'],
        ['APPEND', key, 'x'],
        ['XADD', key, '*', 'x', 'x'],
        ['INCR', key],
        ['EXPIRE', key, 1],
        ['EVAL', 'return 1', 1, key],
        ['EVAL_RO', 'return 1', 1, key],
        ['FCALL', 'x', 1, key],
      ] as const)
        expect(await send(each), each.join(' ')).toMatch(DENIED);
    for (const each of [
      ['PUBLISH', keys.channel, 'x'],
      ['FUNCTION', 'FLUSH'],
      ['HGETALL', HONEST.checkpoints],
    ] as const)
      expect(await send(each), each.join(' ')).toMatch(DENIED);
  });
});

test.skipIf(!hasRedis)(
  'an executor waits for the functions that only an operator may put there, and says so',
  async () => {
    const redis = await startRedis();
    const { confirm, operator } = await setUp(redis);
    await redis.cli('FUNCTION', 'FLUSH');
    await expect(confirm()).rejects.toMatchObject({
      code: 'STORE_READ_ONLY',
      message: expect.stringMatching(/NOLIBRARY.*kill-switch status/),
    });
    expect(await command(operator, 'status').ended).toBe(0);
    expect(await confirm()).toMatchObject({ events: [] });
  },
);

test.skipIf(!hasRedis)(
  'the lines do as lines of an ACL file, and what an operator put there outlives a restart',
  async () => {
    const aclFile = join(temporaryFolder('acl-file').path, 'users.acl');
    const users = [operatorUser(DEFAULT_SCOPE), executorUser(DEFAULT_SCOPE, 'honest'), viewerUser(DEFAULT_SCOPE)];
    const line = ({ name, rules }: (typeof users)[number]): string => `user ${name} ${rules.join(' ')}`;
    writeFileSync(aclFile, ['user default on nopass ~* &* +@all', ...users.map(line), ''].join('\n'));
    const redis = await startRedis({ config: [`aclfile ${aclFile}`] });
    const url = ({ name }: (typeof users)[number]): string =>
      redis.url.replace('redis://', `redis://${encodeURIComponent(name)}:PASSWORD@`);
    const [operator, executor, viewer] = users.map(url) as [string, string, string];
    const store = redisControlStore({ url: operator });
    const control = await openControlPlane({ store, operator: { id: 'ann' } });
    await control.init();
    const { head } = await control.status();
    await control.close();
    await redis.restart();
    const scope = { organizationId: 'default', executorId: 'h', executorName: 'honest', requestTimeoutMs: 2000 };
    const connection = redisStore({ url: executor }).open(scope);
    onTestFinished(() => connection.close());
    expect(await connection.confirm(beat('h', head, { name: 'honest' }), 'n')).toMatchObject({ events: [] });
    const { printed, ended } = command(viewer, 'executors');
    expect(await ended).toBe(0);
    expect(printed.out).toContain('honest');
  },
);

/** A table however wide its columns are. */
const plain = (markdown: string): string => markdown.replace(/ +\|/g, ' |').replace(/-{3,}/g, '---');

test('the table of docs/redis.md is the one that the rules are made of', () => {
  const cell = (commands: readonly string[] = []): string =>
    commands.length === 0 ? '–' : commands.join(', ').replaceAll('|', ' ');
  const row = (name: string, access: Access): string =>
    `| \`${name}\` | ${REDIS_ROLES.map((role) => cell(access[role])).join(' | ')} |`;
  const table = [
    `| key | ${REDIS_ROLES.join(' | ')}: as an operator, and |`,
    `| --- | ${REDIS_ROLES.map(() => '---').join(' | ')} |`,
    ...Object.entries(SHARED_ACCESS).map(([key, access]) => row(SHARED_KEYS[key as SharedKey], access)),
    ...Object.entries(RUN_ACCESS).map(([key, access]) => row(`${RUN_KEYS[key as RunKey]}:RUN`, access)),
    ...Object.entries(KEPT_ACCESS).map(([key, access]) => row(`${KEPT_KEYS[key as KeptKey]}:EPOCH-HASH`, access)),
    ...Object.entries(OWN_ACCESS).flatMap(([key, access]) => {
      const name = `executor:NAME:${OWN_KEYS[key as OwnKey]}`;
      return [row(name, access), ...(access.others ? [row(`${name}, of others`, { executor: access.others })] : [])];
    }),
    `| no key | ${REDIS_ROLES.map((role) => cell(KEYLESS[role])).join(' | ')} |`,
  ].join('\n');
  const docs = readFileSync(join(import.meta.dirname, '../../../docs/redis.md'), 'utf8');
  expect(plain(docs)).toContain(table);
});

test.skipIf(!hasRedis)('no key of the store is missing from the table', async () => {
  const redis = await startRedis();
  const { control } = await setUp(redis);
  await control.recover({ reason: 'test' });
  const named = new Set([
    ...Object.values<string>(SHARED_KEYS).map((name) => `kill-switch:{default}:${name}`),
    ...Object.values<string>(OWN_KEYS).map((name) => `kill-switch:{default}:executor:honest:${name}`),
  ]);
  const found = (await redis.cli('KEYS', '*')) as string[];
  expect(found.length).toBeGreaterThan(8);
  expect(found.filter((key) => !named.has(key))).toEqual([]);
  expect(Object.keys(SHARED_ACCESS).sort()).toEqual(Object.keys(SHARED_KEYS).sort());
  expect(Object.keys(OWN_ACCESS).sort()).toEqual(Object.keys(OWN_KEYS).sort());
});
