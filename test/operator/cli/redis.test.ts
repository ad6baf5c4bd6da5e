import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../../../scripts/prepare.mjs';
import { redisStore } from '../../../store/redis/index.ts';
import { temporaryFolder } from '../../servers/lifetime.ts';
import { freePorts, hasRedis, type RedisServer, startRedis } from '../../servers/index.ts';
import { type Ran, run, runHere } from './command.ts';
import { executor } from './executors.ts';

const PASSWORD = 's3cr/et:@';

/** Runs the command on that Redis; whatever comes out, the password is not in it. */
const commandOn =
  (url: string) =>
  async (...args: string[]): Promise<Ran> => {
    const ran = await runHere(args, { KILL_SWITCH_STORE: url, KILL_SWITCH_OPERATOR: 'dana' });
    for (const secret of ['s3cr', encodeURIComponent(PASSWORD)]) expect(ran.stdout + ran.stderr).not.toContain(secret);
    return ran;
  };

const startWithPassword = async (): Promise<{ redis: RedisServer; ks: ReturnType<typeof commandOn> }> => {
  const redis = await startRedis({ password: PASSWORD });
  return { redis, ks: commandOn(redis.url) };
};

/** What makes the wall clock of a process that many minutes wrong, for NODE_OPTIONS. */
const wrongBy = (minutes: number): string => {
  const code = `const Real = Date; globalThis.Date = class extends Real {
    constructor(...given) { if (given.length > 0) super(...given); else super(Real.now() + ${minutes} * 60_000); }
    static now() { return Real.now() + ${minutes} * 60_000; }
  };`;
  return `--import=data:text/javascript,${encodeURIComponent(code)}`;
};

describe.skipIf(!hasRedis)('the command on a real Redis', () => {
  test('a kill for 30 minutes lasts 30 minutes, whatever the clock of the machine it is typed on says', async () => {
    const { url } = await startRedis();
    expect((await commandOn(url)('init')).code).toBe(0);
    for (const minutes of [0, -60, -29.9, 60]) {
      const args = ['kill', `agent:x${minutes}`, '--until', '30m', '--wait', '0', '--json'];
      const env = { KILL_SWITCH_STORE: url, KILL_SWITCH_OPERATOR: 'dana', NODE_OPTIONS: wrongBy(minutes) };
      const { code, json } = await run(args, { env });
      expect(code).toBe(0);
      const { kill } = json as { kill: { killed_at: string; expires_at: string } };
      expect(Math.abs(Date.parse(kill.killed_at) - Date.now())).toBeLessThan(60_000);
      expect(Date.parse(kill.expires_at) - Date.parse(kill.killed_at)).toBe(30 * 60_000);
    }
  });

  test('init, kill, status, revive and log verify, and the password is never shown', async () => {
    const { redis, ks } = await startWithPassword();
    const created = await ks('init');
    expect(created.code).toBe(0);
    expect(created.stdout).toContain(`The control plane is created in redis://127.0.0.1:${redis.port}.`);
    expect(created.stdout).toContain('redisStore({ url: process.env.REDIS_URL, anchor: ');
    expect(created.stdout).toContain(
      `export KILL_SWITCH_STORE=redis://127.0.0.1:${redis.port}   # with its user and password`,
    );
    expect((await ks('init', '--json')).json).toMatchObject({ code: 'ALREADY_INITIALISED' });

    const mailer = await executor(redisStore({ url: redis.url }));
    const [one, two] = await Promise.all([ks('kill', 'agent:x', '--json'), ks('kill', 'agent:x', '--json')]);
    expect([one.code, two.code]).toEqual([0, 0]);
    expect(new Set([one.json.already, two.json.already])).toEqual(new Set([false, true]));
    expect(one.json.acknowledgements).toMatchObject({
      total: 1,
      drained: 1,
      executors: [{ name: 'mailer', state: 'stopped' }],
    });
    expect(mailer.replica.reading({ agentId: 'x' })).toMatchObject({ mode: 'full_stop' });

    const status = await ks('status');
    expect(status.stdout).toContain(`redis://127.0.0.1:${redis.port}, organization default, epoch 3`);
    expect(status.stdout).toMatch(/^mailer +applied +3 /m);
    expect((await ks('revive', 'agent:x')).code).toBe(1);
    expect((await ks('revive', 'agent:x', '--reason', 'ok')).code).toBe(0);
    expect((await ks('log', 'verify', '--json')).json).toMatchObject({ ok: true, events: 4 });
    expect((await ks('log')).stdout.trimEnd().split('\n')).toHaveLength(4);
  });

  test('a database that Redis refuses: exit 1, and nothing is recorded in another one', async () => {
    const { redis, ks } = await startWithPassword();
    expect((await ks('init')).code).toBe(0);
    const before = await redis.cli('GET', 'kill-switch:{default}:head');
    const there = commandOn(`${redis.url}/99`);
    for (const ran of await Promise.all([
      there('kill', 'all', '--json'),
      there('init', '--json'),
      there('status', '--json'),
    ])) {
      expect(ran.code, ran.stderr).toBe(1);
      expect(ran.json).toMatchObject({
        code: 'NOT_PERMITTED',
        detail: expect.stringMatching(/\/99 refuses database 99: ERR DB index is out of range.*`databases`/),
      });
    }
    expect(await redis.cli('GET', 'kill-switch:{default}:head')).toBe(before);
    expect((await ks('log')).stdout.trimEnd().split('\n')).toHaveLength(1);
  });

  test('an executor whose report cannot be read is silent, blinds nobody, and can be forgotten whatever its id', async () => {
    const { redis, ks } = await startWithPassword();
    await ks('init');
    await executor(redisStore({ url: redis.url }));
    const ids = ['', 'a\nb', '-x', 'x'.repeat(600)];
    for (const id of ids) await redis.cli('HSET', 'kill-switch:{default}:executor:mailer:beats', id, '{"id":""}');
    const { json } = await ks('status', '--json');
    expect(json.executors).toHaveLength(5);
    for (const id of ids) {
      expect(json.executors).toContainEqual(
        expect.objectContaining({ id, state: 'silent', problem: expect.any(String) }),
      );
    }
    const { stderr } = await ks('executors');
    expect(stderr).toMatch(/^The report of "a\\nb" does not count: it names another executor, .*$/m);
    expect((await ks('log', 'verify')).code).toBe(0);
    const killed = await ks('kill', 'agent:x', '--wait', '300ms');
    expect(killed.code).toBe(3);
    const forget = [...killed.stdout.matchAll(/^ {2}kill-switch (executors forget .*)$/gm)].map(
      ([, words]) => words ?? '',
    );
    expect(forget).toHaveLength(4);
    for (const words of forget) {
      const shell = execFileSync('sh', ['-c', `for word in ${words}; do printf '%s\\n' "$word"; done`], {
        encoding: 'utf8',
      });
      expect((await ks(...shell.trimEnd().split('\n'))).code).toBe(0);
    }
    expect((await ks('executors', '--json')).json).toMatchObject({ count: 1, data: [{ name: 'mailer' }] });
    expect((await ks('recover', '--reason', 'looked at it')).code).toBe(0);
  });

  test('a damaged log ends with 4', async () => {
    const { redis, ks } = await startWithPassword();
    await ks('init');
    await ks('kill', 'agent:x', '--wait', '0');
    const [key] = ((await redis.cli('KEYS', '*:log')) as string[]) ?? [];
    await redis.cli('XDEL', key as string, '1-0');
    const verified = await ks('log', 'verify', '--json');
    expect(verified.code).toBe(4);
    expect(verified.json).toMatchObject({ ok: false, problem: expect.stringContaining('beginning') });
  });

  test('unreachable: reads end in a few seconds, changes after they were tried for ten, both with 1', async () => {
    const [port] = await freePorts(1);
    const ks = commandOn(`redis://user:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`);
    const [status, verify, kill] = await Promise.all([
      ks('status', '--json'),
      ks('log', 'verify'),
      ks('kill', 'all', '--json'),
    ]);
    for (const ran of [status, verify, kill]) expect(ran.code, ran.stderr).toBe(1);
    expect(status.json).toEqual({
      code: 'STORE_UNREACHABLE',
      detail: expect.stringContaining(`Redis at redis://127.0.0.1:${port} cannot be reached`),
    });
    expect(status.ms).toBeLessThan(10_000);
    expect(kill.json).toMatchObject({
      code: 'STORE_UNREACHABLE',
      detail: expect.stringContaining('was not recorded, because the store could not be read'),
    });
    expect(kill.stderr).toContain(`Waiting for redis://127.0.0.1:${port} …`);
    expect(kill.ms).toBeGreaterThan(8000);
    expect(kill.ms).toBeLessThan(19_000);
  });

  test('frozen, a wrong password, a server that speaks no TLS: an error in time, without the password', async () => {
    const { redis, ks } = await startWithPassword();
    const wrong = commandOn(`redis://:${encodeURIComponent(`${PASSWORD}x`)}@127.0.0.1:${redis.port}`);
    const tls = commandOn(redis.url.replace('redis:', 'rediss:'));
    const refused = await Promise.all([wrong('status', '--json'), tls('status', '--json')]);
    expect(refused[0]).toMatchObject({ code: 1, json: { code: 'NOT_PERMITTED' } });
    expect(refused[0]?.json.detail).toContain('user or password');
    expect(refused[1]).toMatchObject({ code: 1, json: { code: 'STORE_UNREACHABLE' } });
    await ks('init');
    await redis.freeze();
    const frozen = await Promise.all([ks('status', '--json'), ks('mode', '--json')]);
    await redis.thaw();
    for (const ran of frozen) {
      expect(ran).toMatchObject({ code: 1, json: { code: 'STORE_UNREACHABLE' } });
      expect(ran.ms).toBeLessThan(10_000);
    }
    expect((await ks('status')).code).toBe(0);
  });

  test('a wiped store: init is refused, recover takes a reason, names what is given up, and warns of lost kills', async () => {
    const { redis, ks } = await startWithPassword();
    await ks('init');
    const { replica } = await executor(redisStore({ url: redis.url }));
    await ks('kill', 'agent:x');
    const wiped = new Promise<void>((resolve) => {
      replica.on((event) => {
        if (event.type === 'fault' && event.fault.code === 'GENERATION_CHANGED') resolve();
      });
    });
    await redis.cli('FLUSHALL');
    await wiped;
    expect((await ks('init', '--json')).json).toMatchObject({ code: 'RECOVER_REQUIRED' });
    expect((await ks('recover', '--json')).json).toMatchObject({ code: 'REASON_REQUIRED' });
    const recovered = await ks('recover', '--reason', 'flushed by mistake');
    expect(recovered.code).toBe(0);
    expect(recovered.stdout).toMatch(/^ {2}epoch 2 of [0-9a-f-]{36} \([0-9a-f]{64}\)$/m);
    expect(recovered.stdout).toContain('NOT in force any more');
    expect(recovered.stdout).toContain('  kill-switch kills\n');
    expect((await ks('kills', '--json')).json.count).toBe(0);
    while (replica.fault() !== null) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(replica.epoch).toBe(3);
  });

  test('a store restored from an older copy: status says so loudly, and what to do', async () => {
    const { redis, ks } = await startWithPassword();
    await ks('init');
    const copy = await redis.copyData();
    const { replica } = await executor(redisStore({ url: redis.url }));
    await ks('kill', 'agent:x');
    await redis.restart({ fromCopy: copy });
    while (replica.fault()?.code !== 'GENERATION_CHANGED') await new Promise((resolve) => setTimeout(resolve, 20));
    const reported = async (): Promise<Ran> => {
      for (;;) {
        const status = await ks('status');
        if (status.stdout.includes('FORK')) return status;
      }
    };
    const { stdout } = await reported();
    expect(stdout).toMatch(/^!!! FORK: .* EVERYTHING IS STOPPED/);
    expect(stdout).toMatch(/^!!! {3}mailer has seen epoch 2, hash [0-9a-f]{64}$/m);
    expect(stdout).toContain('kill-switch recover --reason');
    expect((await ks('status', '--json')).json.forks).toMatchObject([{ executor: 'mailer', held: { epoch: 2 } }]);
    const killed = await ks('kill', 'agent:y', '--wait', '0');
    expect(killed.stdout).toMatch(
      /^!!! FORK: .* EVERYTHING IS STOPPED.*\n!!! {3}mailer has seen epoch 2, hash [0-9a-f]{64}$/m,
    );
    expect(killed.stdout).toMatch(/\n\nNOBODY KNOWS agent:y: .*\nagent:y is full_stop, at epoch 2\.\n/);
    expect((await ks('log', 'verify')).code).toBe(4);
    expect((await ks('recover', '--reason', 'restored', '--json')).json).toMatchObject({
      given_up: [{ epoch: 2 }],
      epoch: 3,
    });
    expect((await ks('status')).stdout).not.toContain('FORK');
  });
});

describe('without ioredis', () => {
  test('a Redis store says what to install, and a folder works', async () => {
    const { path } = temporaryFolder('no-ioredis');
    cpSync(join(root, 'dist'), join(path, 'dist'), { recursive: true });
    cpSync(join(root, 'package.json'), join(path, 'package.json'));
    const modules = join(path, 'node_modules');
    mkdirSync(modules);
    for (const name of readdirSync(join(root, 'node_modules')))
      if (name !== 'ioredis') symlinkSync(join(root, 'node_modules', name), join(modules, name));
    const main = join(path, 'dist/operator/cli/main.js');
    const redis = await run(['status', '--json', '--store', 'redis://user:s3cret@127.0.0.1:1'], { main, cwd: path });
    expect(redis.code, redis.stderr).toBe(1);
    expect(redis.json).toEqual({ code: 'MISSING_PACKAGE', detail: expect.stringContaining("npm install 'ioredis@") });
    expect(redis.stdout + redis.stderr).not.toContain('s3cret');
    expect((await run(['init'], { main, cwd: path })).code).toBe(0);
  });
});
