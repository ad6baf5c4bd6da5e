import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { redisStore } from '../../../store/redis/index.ts';
import { freePorts, hasRedis, startRedis } from '../../servers/index.ts';
import { temporaryFolder } from '../../servers/lifetime.ts';
import { hasOpenssl, makeCertificate } from '../../store/redis/certificates.ts';
import { run } from './command.ts';
import { executor } from './executors.ts';

const ks = (store: string, ...args: string[]) =>
  run(args, { env: { KILL_SWITCH_STORE: store, KILL_SWITCH_OPERATOR: 'dana' } });

/** The command makes a switch there and kills in it; an app with the same URL obeys. */
async function killsThere(store: string, shown: string): Promise<void> {
  const created = await ks(store, 'init');
  expect(created.code, created.stderr).toBe(0);
  expect(created.stdout).toContain(`The control plane is created in ${shown}.`);
  const mailer = await executor(redisStore({ url: store }));
  const killed = await ks(store, 'kill', 'agent:x', '--json');
  expect(killed.code, killed.stderr).toBe(0);
  expect(killed.json.acknowledgements).toMatchObject({ executors: [{ name: 'mailer', state: 'stopped' }] });
  expect(mailer.replica.reading({ agentId: 'x' })).toMatchObject({ mode: 'full_stop' });
}

describe.skipIf(!hasRedis)('the store of a command line', () => {
  test.skipIf(!hasOpenssl)('a Redis that speaks TLS only with those it knows, a database, and a prefix', async () => {
    const folder = temporaryFolder('store-urls').path;
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    makeCertificate(key, cert);
    const [port] = await freePorts(1);
    const files = [`tls-cert-file ${cert}`, `tls-key-file ${key}`, `tls-ca-cert-file ${cert}`];
    const redis = await startRedis({
      config: [`tls-port ${port}`, 'tls-auth-clients yes', ...files],
      password: 'hunter2',
    });
    const at = (query: string) => `rediss://:hunter2@localhost:${port}/2${query}`;
    const [whole, unknown] = [`?ca=${cert}&cert=${cert}&key=${key}&prefix=app:`, `?ca=${cert}&prefix=app:`];
    await killsThere(at(whole), `rediss://localhost:${port}/2${whole}`);
    expect(await redis.cli('INFO', 'keyspace')).toMatch(/db2:keys/);
    expect(await redis.cli('DBSIZE')).toBe(0);
    const refused = await Promise.all([ks(at(unknown), 'status', '--json'), ks(at(''), 'status', '--json')]);
    for (const { code, json, stderr } of refused) {
      expect(code).toBe(1);
      expect(json).toMatchObject({ code: 'STORE_UNREACHABLE' });
      expect(stderr).not.toContain('hunter2');
    }
    expect(refused[1].json.detail).toMatch(/self.signed certificate/);
    const elsewhere = await ks(at(whole.replace('app:', 'other:')), 'status');
    expect(elsewhere.stdout + elsewhere.stderr).toMatch(/init/); // another prefix is another switch
  });

  test.each(['redis+unix', 'unix'])('a socket of this machine: %s://', async (scheme) => {
    const socket = join(temporaryFolder('store-urls').path, 'redis.sock');
    const redis = await startRedis({ config: [`unixsocket ${socket}`], password: 'hunter2' });
    await killsThere(`${scheme}://:hunter2@${socket}?db=3`, `redis+unix://${socket}?db=3`);
    expect(await redis.cli('INFO', 'keyspace')).toMatch(/db3:keys/);
    const wrong = await ks(`${scheme}://${socket}?db=3`, 'status', '--json');
    expect(wrong.json.detail).toMatch(/NOAUTH/);
    const gone = await ks(`${scheme}://${socket}x`, 'status', '--json');
    expect(gone.json.detail).toMatch(/ENOENT/);
  });

  test('an unknown parameter is a mistake in the command line', async () => {
    const ran = await ks('redis://localhost?prefx=app:', 'kill', 'all');
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining('Did you mean prefix?') });
  });

  test('help says the forms', async () => {
    const { stdout } = await run(['--help']);
    for (const form of ['redis+unix:///', '?ca=FILE', '?prefix=', '?cluster=', '?sentinels='])
      expect(stdout).toContain(form);
  });
});
