import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { type AlertData, type Alert } from '../../../../operator/alerts/alert.ts';
import { attempt, type Attempting } from '../../../../operator/alerts/attempt.ts';
import type { Resolve } from '../../../../operator/alerts/address.ts';
import { dataOf } from '../../../../operator/alerts/conditions.ts';
import { executorUser, operatorUser, viewerUser } from '../../../../store/redis/acl.ts';
import { fileControlStore } from '../../../../store/file/control.ts';
import { redisControlStore } from '../../../../store/redis/control.ts';
import { hasRedis, startRedis, temporaryFolder } from '../../../servers/index.ts';
import { hasOpenssl, makeCertificate } from '../../../store/redis/certificates.ts';
import { asUser, DEFAULT_SCOPE, DENIED, urlOf } from '../../../store/redis/acl-users.ts';
import { hanging, ok, startReceiver } from './receiver.ts';
import { openSender } from './sender.ts';

const data: AlertData = dataOf({ text: 'agent:x is stopped.', next: '' }, 'default');
const ALERT: Alert = { id: 'evt_7', type: 'kill', at: '2026-01-01T00:00:00.000Z', data };
const never = new AbortController().signal;

const send = (where: string, { allow = true, ...more }: Partial<Attempting> & { readonly allow?: boolean } = {}) =>
  attempt(
    ALERT,
    { via: 'url', format: 'webhook', allow_private: allow },
    { where, secret: null },
    { signal: never, ...more },
  );

const run = (where: string, more: Partial<Attempting> = {}) =>
  attempt(
    ALERT,
    { via: 'exec', format: 'webhook', allow_private: false },
    { where, secret: null },
    { signal: never, ...more },
  );

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

describe('an address', () => {
  test('of this machine is refused when it is added, and nothing is recorded', async () => {
    const { control } = await openSender(
      fileControlStore({ directory: join(temporaryFolder('alerts').path, 's') }),
      null,
    );
    await control.init();
    for (const to of [
      'http://127.0.0.1/s3cret',
      'http://localhost/s3cret',
      'http://169.254.169.254/latest',
      'http://[::1]/',
    ])
      await expect(control.addAlert({ name: 'inside', to })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/^(?!.*s3cret).*--allow-private/),
      });
    expect((await control.alerts()).data).toEqual([]);
    expect((await control.status()).epoch).toBe(1);
  });

  test('whose name leads to this machine when something is sent gets nothing (DNS rebinding)', async () => {
    const receiver = await startReceiver();
    const port = new URL(receiver.url).port;
    const answers = [['93.184.216.34'], ['127.0.0.1'], ['93.184.216.34', '127.0.0.1']];
    const asked: string[] = [];
    const resolve: Resolve = (host, _options, callback) => {
      asked.push(host);
      callback(
        null,
        (answers[asked.length] ?? []).map((address) => ({ address, family: 4 })),
      );
    };
    for (const round of [1, 2])
      expect([round, await send(`http://rebind.test:${port}/`, { allow: false, resolve })]).toEqual([
        round,
        {
          delivered: false,
          says: expect.stringMatching(/^rebind\.test is 127\.0\.0\.1, which is an address of a private network/),
        },
      ]);
    expect(await send(receiver.url, { allow: false })).toMatchObject({ delivered: false });
    expect([asked, receiver.received]).toEqual([['rebind.test', 'rebind.test'], []]);
  });

  test('that nobody answers, that hangs, or that is cut, fails in its time and says how', async () => {
    const receiver = await startReceiver();
    receiver.answer = hanging;
    expect(await send(receiver.url, { attemptMs: 200 })).toEqual({
      delivered: false,
      says: 'it did not answer within 0.2 s',
    });
    receiver.answer = (response) => void response.socket?.destroy();
    expect(await send(receiver.url)).toMatchObject({ delivered: false, says: expect.stringContaining('ECONNRESET') });
    receiver.answer = (response) => void response.writeHead(200).write('x'.repeat(100_000));
    expect(await send(receiver.url)).toEqual({ delivered: true, says: 'it answered 200' }); // it goes on for ever
    receiver.answer = (response) =>
      void response.socket?.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n');
    expect(await send(receiver.url)).toEqual({ delivered: false, says: 'it answered 101' });
    expect(await send('http://127.0.0.1:1/s3cret')).toEqual({
      delivered: false,
      says: expect.stringMatching(/^(?!.*s3cret).*ECONNREFUSED/),
    });
    const ending = new AbortController();
    receiver.answer = hanging;
    const cut = send(receiver.url, { signal: ending.signal });
    ending.abort();
    expect(await cut).toMatchObject({ delivered: false });
  });

  test.skipIf(!hasOpenssl)(
    'with a certificate that nobody vouches for gets nothing; one that is vouched for does',
    async () => {
      const folder = temporaryFolder('alerts').path;
      const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
      makeCertificate(key, cert);
      const receiver = await startReceiver({ key: readFileSync(key), cert: readFileSync(cert) });
      expect(await send(receiver.url)).toEqual({
        delivered: false,
        says: expect.stringMatching(/self-signed|self signed/),
      });
      expect(receiver.received).toEqual([]);
      // As people have it: a command in a process of its own, which trusts this certificate.
      const main = join(import.meta.dirname, '../../../../dist/operator/cli/main.js');
      const ks = (...args: string[]) =>
        new Promise<string>((resolve) => {
          const env = { ...process.env, NODE_EXTRA_CA_CERTS: cert };
          execFile(process.execPath, [main, ...args], { cwd: folder, env }, (_error, stdout, stderr) =>
            resolve(stdout + stderr),
          );
        });
      await ks('init');
      expect(await ks('alert', 'add', 'secure', '--to', receiver.url, '--allow-private')).toMatch(
        /shown here only: whsec_/,
      );
      expect(await ks('alert', 'test', 'secure')).toBe('Delivered: a test to secure; it answered 204.\n');
      const other = receiver.url.replace('localhost', '127.0.0.1');
      await ks('alert', 'add', 'wrong', '--to', other, '--allow-private');
      expect(await ks('alert', 'test', 'wrong')).toMatch(/^Not delivered: .*altnames/i);
      expect(receiver.types).toEqual(['test']);
    },
  );
});

describe('a command', () => {
  test('gets the alert on its stdin, and of the environment nothing that could be a secret of ours', async () => {
    const folder = temporaryFolder('alerts').path;
    process.env['KILL_SWITCH_TOKEN'] = 's3cret';
    try {
      expect(await run(`cat > '${folder}/in' && env > '${folder}/env'`)).toEqual({
        delivered: true,
        says: 'it exited with 0',
      });
    } finally {
      delete process.env['KILL_SWITCH_TOKEN'];
    }
    expect(JSON.parse(readFileSync(`${folder}/in`, 'utf8'))).toEqual({ type: 'kill', timestamp: ALERT.at, data });
    const env = readFileSync(`${folder}/env`, 'utf8');
    expect(env).toContain('ALERT_ID=evt_7');
    expect(env).not.toMatch(/s3cret|KILL_SWITCH/);
  });

  test('that reads nothing, or fails, says how it ended; nothing of an alert is run', async () => {
    expect(await run('exit 3')).toEqual({ delivered: false, says: 'it exited with 3' });
    expect(await run('kill -9 $$')).toEqual({ delivered: false, says: 'it was ended by SIGKILL' });
    expect(await run('no-such-program-here --token s3cret')).toEqual({ delivered: false, says: 'it exited with 127' });
    const folder = temporaryFolder('alerts').path;
    const text = `'; touch ${folder}/run; $(touch ${folder}/run) \`touch ${folder}/run\``;
    const evil: Alert = { ...ALERT, data: { ...data, text, target: text } };
    const target = { via: 'exec', format: 'webhook', allow_private: false } as const;
    expect(await attempt(evil, target, { where: 'cat > /dev/null', secret: null }, { signal: never })).toMatchObject({
      delivered: true,
    });
    expect(existsSync(`${folder}/run`)).toBe(false);
  });

  test('that hangs and ignores SIGTERM is killed with all that it has started', async () => {
    const folder = temporaryFolder('alerts').path;
    const hangs = `trap '' TERM; sleep 600 & echo $! > '${folder}/pid'; while :; do sleep 1; done`;
    expect(await run(hangs, { attemptMs: 300 })).toEqual({
      delivered: false,
      says: 'it took longer than 0.3 s, and was ended',
    });
    const pid = Number(readFileSync(`${folder}/pid`, 'utf8'));
    expect(pid).toBeGreaterThan(0);
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 5000);
  });

  test('is started by a process that sends, and again until it exits with 0', async () => {
    const folder = temporaryFolder('alerts').path;
    const { control } = await openSender(fileControlStore({ directory: join(folder, 's') }));
    await control.init();
    const added = await control.addAlert({
      ...{ name: 'pager', events: ['kill'] },
      exec: `cat >> '${folder}/told'; echo >> '${folder}/told'; test -e '${folder}/well'  # s3cret`,
    });
    expect(added.secret).toBeNull();
    expect((await control.alerts()).data).toMatchObject([{ via: 'exec', to: 'cat' }]);
    await control.kill({ target: 'agent:a' });
    const told = (): string[] =>
      existsSync(`${folder}/told`) ? readFileSync(`${folder}/told`, 'utf8').trim().split('\n') : [];
    await vi.waitFor(() => expect(told().length).toBeGreaterThanOrEqual(2), 5000);
    writeFileSync(`${folder}/well`, '');
    await vi.waitFor(async () => expect((await control.alerts()).data).toMatchObject([{ waiting: 0 }]), 10_000);
    expect(new Set(told()).size).toBe(1);
    for await (const event of control.log()) expect(JSON.stringify(event)).not.toContain('s3cret');
  });
});

describe('what is secret', () => {
  test('is in files that only their owner may read', async () => {
    const directory = join(temporaryFolder('alerts').path, 's');
    const receiver = await startReceiver();
    const { control } = await openSender(fileControlStore({ directory }));
    await control.init();
    await control.addAlert({ name: 'on-call', to: `${receiver.url}/path-secret`, allowPrivate: true });
    await control.kill({ target: 'agent:a' });
    await receiver.until(1);
    const folder = join(directory, 'control/default/alerts');
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const names = readdirSync(folder);
    expect(names.some((name) => readFileSync(join(folder, name), 'utf8').includes('path-secret'))).toBe(true);
    for (const name of names) expect([name, statSync(join(folder, name)).mode & 0o777]).toEqual([name, 0o600]);
  });

  test('is not repeated by errors about it', async () => {
    const { control } = await openSender(
      fileControlStore({ directory: join(temporaryFolder('alerts').path, 's') }),
      null,
    );
    await control.init();
    const wrong = [
      { to: 'https://user:s3cret@hooks.test', secret: 's3cret' },
      { to: 'https://hooks.test', secret: 'whsec_s3cret' },
      { to: 'no address s3cret' },
      { exec: 's3cret\0' },
      { exec: 'true', secret: 'whsec_s3cret' },
      { to: 'https://hooks.test/s3cret', exec: 'true s3cret' },
      {},
    ];
    for (const options of wrong)
      await expect(control.addAlert({ name: 'a', ...options })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.not.stringContaining('s3cret'),
      });
  });

  test.skipIf(!hasRedis)(
    'neither executors nor viewers of Redis may read or write; both see how alerts stand',
    async () => {
      const redis = await startRedis();
      const receiver = await startReceiver();
      const store = redisControlStore({ url: await urlOf(redis, operatorUser(DEFAULT_SCOPE)) });
      const { control } = await openSender(store);
      await control.init();
      const { secret } = await control.addAlert({ name: 'on-call', to: receiver.url, allowPrivate: true });
      await control.kill({ target: 'agent:a' });
      await receiver.until(1);
      expect(await control.testAlert('on-call')).toMatchObject({ delivered: true });
      const key = 'kill-switch:{default}:alerts';
      expect(JSON.stringify(await redis.cli('HGETALL', key))).toContain(secret);
      const viewer = await urlOf(redis, viewerUser(DEFAULT_SCOPE));
      for (const url of [viewer, await urlOf(redis, executorUser(DEFAULT_SCOPE, 'mailer'))]) {
        const as = asUser(url);
        for (const command of [
          ...([
            ['HGETALL', key],
            ['HGET', key, 'sender'],
            ['HMGET', key, 'sender'],
            ['HVALS', key],
            ['HKEYS', key],
          ] as const),
          ...([
            ['HSET', key, 'sender', 'x'],
            ['HDEL', key, 'sender'],
            ['DEL', key],
            ['UNLINK', key],
          ] as const),
          ...([
            ['RENAME', key, 'mine'],
            ['COPY', key, 'mine'],
            ['DUMP', key],
            ['HSCAN', key, 0],
            ['TYPE', key],
          ] as const),
          ['EVAL', `return redis.call('HGETALL', KEYS[1])`, 1, key] as const,
        ])
          expect([command, await as(command)]).toEqual([command, expect.stringMatching(DENIED)]);
      }
      const seen = await openSender(redisControlStore({ url: viewer }), null, 'vera');
      expect(await seen.control.alerts()).toMatchObject({ sending: null, data: [{ name: 'on-call', waiting: null }] });
      expect((await seen.control.status()).alerts).toEqual({ targets: 1, waiting: null, failing: [], sending: null });
      await control.removeAlert({ name: 'on-call', reason: 'enough' });
      expect(JSON.stringify(await redis.cli('HGETALL', key))).not.toContain(secret);
    },
  );

  test('that is damaged stops nothing else, and is not shown', async () => {
    const folder = temporaryFolder('alerts').path;
    const receiver = await startReceiver();
    const { control, troubles } = await openSender(fileControlStore({ directory: join(folder, 's') }));
    await control.init();
    const { secret } = await control.addAlert({ name: 'bad', to: receiver.url, allowPrivate: true });
    await control.addAlert({ name: 'good', to: receiver.url, allowPrivate: true });
    const kept = join(folder, 's/control/default/alerts');
    for (const name of readdirSync(kept).filter((each) => each.startsWith('target-')))
      if (readFileSync(join(kept, name), 'utf8').includes(secret ?? '?'))
        writeFileSync(join(kept, name), `{"s3cret": "${secret}`);
    const { close } = await openSender(fileControlStore({ directory: join(folder, 's') }));
    await control.kill({ target: 'agent:a' });
    receiver.answer = ok;
    await receiver.until(1);
    await expect(control.testAlert('bad')).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.not.stringContaining('s3cret'),
    });
    expect((await control.status()).alerts).toMatchObject({ targets: 2 });
    expect(troubles.join()).not.toContain('whsec');
    await close();
  });
});
