import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { root } from '../../../scripts/prepare.mjs';
import { type Clock, type LogEvent, nextChange } from '../../../flags/index.ts';
import { DOCTOR_CHECKS } from '../../../operator/doctor/index.ts';
import type { Finding } from '../../../operator/doctor/answer.ts';
import { openControlPlane } from '../../../operator/index.ts';
import { executorUser, operatorUser, viewerUser } from '../../../store/redis/acl.ts';
import { connectExecutor } from '../../../store/connect-executor.ts';
import { fileControlStore } from '../../../store/file/control.ts';
import { fileStore } from '../../../store/file/index.ts';
import { redisControlStore } from '../../../store/redis/control.ts';
import { redisStore } from '../../../store/redis/index.ts';
import { redisKeys } from '../../../store/redis/keys.ts';
import { VERSION } from '../../../store/version.ts';
import { hasRedis, startRedis, temporaryFolder } from '../../servers/index.ts';
import { DEFAULT_SCOPE, startWithAclFile } from '../../store/redis/acl-users.ts';
import { append, beat, killData, logOf, openControl } from '../../store/redis/harness.ts';
import { runHere } from './command.ts';

interface Diagnosis {
  readonly code: number | null;
  /** What a check has found, `ok` where that is nothing. */
  readonly of: (check: string) => string;
  readonly mends: (check: string) => string;
}

async function doctor(store: string, ...options: string[]): Promise<Diagnosis> {
  const { code, json, stderr } = await runHere(['doctor', '--store', store, '--json', ...options]);
  expect(json?.findings, stderr).toBeDefined();
  const found = (check: string): Finding[] => json.findings.filter((each: Finding) => each.check === check);
  expect(json.safe).toBe(code === 0);
  return {
    code,
    of: (check) =>
      found(check)
        .map(({ level, says }) => (level === 'ok' ? 'ok' : `${level} ${says}`))
        .join('\n'),
    mends: (check) =>
      found(check)
        .map(({ mend }) => mend)
        .join('\n'),
  };
}

describe('over a folder', () => {
  const setUp = async () => {
    const directory = join(temporaryFolder('doctor').path, 'switch');
    mkdirSync(directory);
    const store = `file:${directory}`;
    return { directory, store };
  };

  test('a change that a wrong clock has dated is found by the next whose clock is right', async () => {
    const { directory, store } = await setUp();
    await runHere(['init', '--store', store]);
    const clock: Clock = () => ({ wall: Date.now() + 86_400_000, mono: performance.now() });
    const ahead = await openControlPlane({ store: fileControlStore({ directory, clock }), operator: { id: 'ann' } });
    onTestFinished(() => ahead.close());
    await ahead.kill({ target: 'agent:x', mode: 'read_only', reason: 'tomorrow' });
    const found = await doctor(store);
    expect(found).toMatchObject({ code: 1 });
    expect(found.of('clocks')).toMatch(/^unsafe What was changed last is dated \S+, 8639\d\.?\d* s in the future: /);
    await ahead.close();
    await runHere(['revive', 'agent:x', '--store', store, '--reason', 'today']);
    expect(await doctor(store)).toMatchObject({ code: 0 });
  });

  test('it is unsafe where there is no switch, and safe once there is one', async () => {
    const { store } = await setUp();
    const none = await doctor(store);
    expect(none).toMatchObject({ code: 1 });
    expect(none.of('store')).toMatch(/^unsafe The switch cannot be read: .*kill-switch init/);
    expect(none.of('rules')).toMatch(/^unknown It could not be read/);
    await runHere(['init', '--store', store]);
    const sound = await doctor(store);
    expect(sound.code).toBe(0);
    const others: Readonly<Record<string, RegExp>> = {
      flags: /^unknown/,
      'operating process': /^warning No operating/,
    };
    for (const { name } of DOCTOR_CHECKS) expect(sound.of(name), name).toMatch(others[name] ?? /^ok$/);
  });

  test('it says who else may write it, until they may not', async () => {
    const { directory, store } = await setUp();
    await runHere(['init', '--store', store]);
    const control = join(directory, 'control');
    chmodSync(control, 0o777);
    const open = await doctor(store);
    expect(open.code).toBe(1);
    expect(open.of('permissions')).toMatch(
      /control may be written by its group and everybody on this machine \(mode 777\)/,
    );
    expect(open.mends('permissions')).toMatch(/^chmod go-w \S+control$/);
    chmodSync(control, 0o755);
    expect(await doctor(store)).toMatchObject({ code: 0 });

    const executor = connectExecutor({ store: fileStore({ directory }), organizationId: 'default', leaseMs: 60_000 });
    onTestFinished(() => executor.replica.close());
    await executor.replica.start();
    await vi.waitFor(async () => {
      const { of } = await doctor(store);
      expect(of('permissions')).toMatch(/^warning executor runs as a user who may write the switch \(uid \d+\)/);
      expect(of('leases')).toMatch(/^warning Without the store these go on for longer than 30 s: executor 60 s/);
      expect(of('anchors')).toBe('ok');
    }, 10_000);
  });

  test('a definition of flagd with an unsafe default is unsafe', async () => {
    const { store, directory } = await setUp();
    await runHere(['init', '--store', store]);
    const safe = readFileSync(join(root, 'flags/kill-switch.flagd.json'), 'utf8');
    const file = join(directory, '..', 'flags.json');
    const careless = JSON.parse(safe);
    careless.flags['kill-switch.mode'].defaultVariant = 'live';
    writeFileSync(file, JSON.stringify(careless));
    const open = await doctor(store, '--flagd', file);
    expect(open).toMatchObject({ code: 1 });
    expect(open.of('flags')).toMatch(/^unsafe .*the default of kill-switch\.mode allows more than is safe/m);
    writeFileSync(file, safe);
    const mended = await doctor(store, '--flagd', file);
    expect(mended.of('flags')).not.toMatch(/unsafe/);
    expect(await runHere(['doctor', '--store', store, '--flagd', `${file}.none`])).toMatchObject({ code: 1 });
  });
});

describe.skipIf(!hasRedis)('over Redis', () => {
  const CONFIG = ['maxmemory 100mb', 'maxmemory-policy noeviction'];

  test('each setting that loses changes is found, and what is said mends it', async () => {
    const redis = await startRedis({ config: ['maxmemory 100mb', 'maxmemory-policy allkeys-lru', 'appendonly no'] });
    await runHere(['init', '--store', redis.url]);
    const set = async (mend: string): Promise<void> => {
      for (const [, setting = '', value = ''] of mend.matchAll(/CONFIG SET (\S+) (\S+?)(?:,| and|$)/gm))
        await redis.cli('CONFIG', 'SET', setting, value);
    };
    const NAME = 'redis configuration';
    for (const says of [/^unsafe It removes keys .*allkeys-lru/m, /^unsafe It has no append-only file/m]) {
      const { code, of } = await doctor(redis.url);
      expect(code).toBe(1);
      expect(of(NAME)).toMatch(says);
    }
    await set((await doctor(redis.url)).mends(NAME));
    await runHere(['init', '--store', redis.url]);
    await redis.cli('CONFIG', 'SET', 'appendfsync', 'everysec');
    const second = await doctor(redis.url);
    expect(second.of(NAME)).toMatch(/^warning .*once a second.*\nwarning It has no replica/);
    await set(second.mends(NAME));
    const replica = await startRedis({ config: [`replicaof 127.0.0.1 ${redis.port}`] });
    await vi.waitFor(async () => {
      expect(await replica.cli('INFO', 'replication')).toMatch(/master_link_status:up/);
    }, 20_000);
    const third = await doctor(redis.url);
    expect(third.of(NAME)).toMatch(/^warning Cut off from its replicas it goes on to take changes/);
    await set(third.mends(NAME));
    await vi.waitFor(async () => expect((await doctor(redis.url)).of(NAME)).toBe('ok'), 20_000);
    await replica.stop();
    await vi.waitFor(async () => {
      const { of, code } = await doctor(redis.url);
      expect(code).toBe(1);
      expect(of('store')).toMatch(/^unsafe The store takes no changes: .*NOREPLICAS/);
    }, 20_000);
  }, 90_000);

  test('`default` that is on is found; with the ACL file that is printed nothing is, and a rule too many is', async () => {
    const open = await startRedis({ config: CONFIG });
    await runHere(['init', '--store', open.url]);
    const first = await doctor(open.url);
    expect(first).toMatchObject({ code: 1 });
    expect(first.of('permissions')).toMatch(/^unsafe The user `default` is on without a password.*may SET/);

    const redis = await startWithAclFile(['mailer'], { config: CONFIG });
    const operator = redis.as(operatorUser(DEFAULT_SCOPE));
    await runHere(['init', '--store', operator]);
    const own = await doctor(operator);
    expect(own).toMatchObject({ code: 0 });
    expect(own.of('permissions')).toMatch(/^unknown .*\(ACL LIST\)\.$/);
    expect(own.of('redis configuration')).toMatch(/^unknown How often its append-only file is synced/);
    const seen = await doctor(redis.as(viewerUser(DEFAULT_SCOPE)));
    expect(seen).toMatchObject({ code: 0 });
    expect(seen.of('store')).toMatch(/^warning This user may change nothing/);
    const asked = await doctor(redis.url);
    expect(asked).toMatchObject({ code: 0 });
    expect(asked.of('permissions')).toMatch(/^warning root may SET.*\nwarning This process may administer this Redis/);

    const { name, rules } = executorUser(DEFAULT_SCOPE, 'mailer');
    await redis.cli('ACL', 'SETUSER', name, `(~${redisKeys('default').state} +hset)`);
    const loose = await doctor(redis.url);
    expect(loose).toMatchObject({ code: 1 });
    expect(loose.of('permissions')).toContain(`unsafe ${name} is for executors, and may HSET`);
    await redis.cli('ACL', 'SETUSER', name, ...rules);
    expect(await doctor(redis.url)).toMatchObject({ code: 0 });
  }, 60_000);

  test('executors without an anchor, of an older version, with other clocks and leases, or silent ones are named', async () => {
    const redis = await startRedis({ config: CONFIG });
    const control = await openControlPlane({ store: redisControlStore({ url: redis.url }), operator: { id: 'ann' } });
    onTestFinished(() => control.close());
    await control.init();
    const { head } = await control.status();
    const url = redis.url;
    const at = (ms: number): string => new Date(Date.now() + ms).toISOString();
    const open = { organizationId: 'default', requestTimeoutMs: 1000 };
    const reports = async (name: string, more: object): Promise<() => Promise<void>> => {
      const executor = redisStore({ url }).open({ ...open, executorId: name, executorName: name });
      await executor.confirm(
        beat(name, head, { name, version: VERSION, at: at(0), lease_ms: 60_000, anchored: true, ...more }),
        'n',
      );
      return async () => {
        await executor.leave();
        await executor.close();
      };
    };
    const cases: ReadonlyArray<readonly [string, object, RegExp]> = [
      ['anchors', { anchored: false, lease_ms: 20_000 }, /^warning Without an anchor.*: anchors\.$/],
      ['versions', { version: '0.0.9', lease_ms: 20_000 }, /^warning Older than this command.*: versions 0\.0\.9\.$/],
      ['clocks', { at: at(-3_600_000), lease_ms: 20_000 }, /^warning Clocks of executors .*: clocks on localhost\.$/],
      ['leases', { lease_ms: 60_000 }, /^warning Without the store these go on for longer than 30 s: leases 60 s\.$/],
    ];
    for (const [check, more, says] of cases) {
      const gone = await reports(check, more);
      expect((await doctor(url)).of(check)).toMatch(says);
      await gone();
      expect((await doctor(url)).of(check), check).toBe('ok');
    }
    const gone = await Promise.all([reports('slow', { lease_ms: 20_000 }), reports('quick', { lease_ms: 500 })]);
    await vi.waitFor(async () => {
      const { of } = await doctor(url);
      expect(of('leases')).toMatch(/warning Silent, .*: quick\.\nwarning Leases are from 0\.5 s to 20 s/);
    }, 10_000);
    for (const each of gone) await each();
    const lost = { against: head.generation, held: { ...head, epoch: 9, hash: 'f'.repeat(64) } };
    const unknown = {
      against: head.generation,
      held: { ...head, generation: 'later', epoch: 9, hash: 'e'.repeat(64) },
    };
    const later = await reports('later', { fork: unknown, lease_ms: 20_000 });
    expect((await doctor(url)).of('forks')).toMatch(
      /^warning A report of later says that this store has lost a change\. It is no proof, so nobody else goes by it: .*generation.*\. An executor that has seen that itself stays stopped\.$/,
    );
    await later();
    await reports('saw', { fork: lost, lease_ms: 20_000 });
    const forked = await doctor(url);
    expect(forked).toMatchObject({ code: 1 });
    expect(forked.of('forks')).toMatch(/^unsafe saw has seen a change that this store has lost/);
    await control.recover({ reason: 'looked at it' });
    expect((await doctor(url)).of('forks')).toBe('ok');
  }, 60_000);

  test('kills past their end, and hours that run out, ask for an operating process, which mends both', async () => {
    const redis = await startRedis({ config: CONFIG });
    const store = redisControlStore({ url: redis.url });
    const control = await openControlPlane({ store, operator: { id: 'ann' } });
    onTestFinished(() => control.close());
    await control.init();
    await control.addRule({ name: 'night', target: 'agent:x', mode: 'read_only', window: 'Mon-Fri 18:00-08:00 UTC' });
    expect((await doctor(redis.url)).of('rules')).toBe('ok');

    const [added] = (await logOf(openControl({ url: redis.url }), 1)) as [LogEvent];
    const connection = openControl({ url: redis.url });
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const window = { ...Object(added.data['window']), opens: [], until };
    const view = await connection.read(['control', 'governance', 'rule:night']);
    const data = { ...added.data, window };
    const change = nextChange(view, { type: 'rule_add', data, at: view.time, actor: 'unverified:ann' });
    expect(await connection.append({ ...change, expected: view.head })).toBe(true);
    const ended = new Date(Date.now() - 60_000).toISOString();
    await append(connection, 'kill', { ...killData('agent:x'), expires_at: ended });
    const due = await doctor(redis.url);
    expect(due.of('rules')).toContain(`warning The hours of night are known until ${until}: then it applies`);
    expect(due.of('operating process')).toContain('warning No operating process runs (none has said so');
    expect(due.of('operating process')).toContain('1 kill is past its end and still stands.');
    expect(due.mends('operating process')).toMatch(/kill-switch watch$/);

    const operating = await openControlPlane({ store, operator: { id: 'bob' }, operate: true });
    onTestFinished(() => operating.close());
    await vi.waitFor(async () => {
      const { of } = await doctor(redis.url);
      expect([of('operating process'), of('rules')]).toEqual(['ok', 'ok']);
    }, 20_000);
  }, 60_000);

  test('a store that hangs gives findings, within the time of a request', async () => {
    const redis = await startRedis({ config: CONFIG });
    await runHere(['init', '--store', redis.url]);
    await redis.freeze();
    onTestFinished(redis.thaw);
    const begun = performance.now();
    const { code, of } = await doctor(redis.url);
    expect({ code, of: of('store') }).toMatchObject({
      code: 1,
      of: expect.stringMatching(/^unsafe The switch cannot be read/),
    });
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});

test('docs/doctor.md has a row for each check', () => {
  const page = readFileSync(join(root, 'docs/doctor.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, name]) => name);
  expect(rows).toEqual(DOCTOR_CHECKS.map(({ name }) => name));
});
