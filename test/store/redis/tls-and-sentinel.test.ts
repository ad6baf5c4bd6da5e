import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hasRedis, startRedis, temporaryFolder } from '../../servers/index.ts';
import { hasOpenssl, makeCertificate } from './certificates.ts';
import { beat, failure, init, kill, openControl, openExecutor, pushes } from './harness.ts';

/** TLS in front of a server, with a certificate for localhost that nobody has signed. */
async function startTls(target: number): Promise<{ readonly port: number; readonly ca: string }> {
  const folder = temporaryFolder('redis-tls');
  const [key, cert] = [join(folder.path, 'key.pem'), join(folder.path, 'cert.pem')];
  makeCertificate(key, cert);
  const ca = readFileSync(cert, 'utf8');
  const sockets = new Set<Socket>();
  const server = createServer({ key: readFileSync(key), cert: ca }, (client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => {}));
    client.pipe(upstream).pipe(client);
  });
  server.on('tlsClientError', () => {});
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    folder.remove();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, ca };
}

describe.skipIf(!hasRedis || !hasOpenssl)('over TLS', () => {
  test('it works with a certificate that is trusted, and not with another', async () => {
    const redis = await startRedis({ password: 'hunter2' });
    const { port, ca } = await startTls(redis.port);
    const at = { url: `rediss://:hunter2@localhost:${port}`, requestTimeoutMs: 2000 };
    const trusted = { ...at, options: { tls: { ca } } };
    const [control, executor] = [openControl(trusted), openExecutor(trusted)];
    const { heard } = pushes(executor);
    await expect.poll(() => heard).toEqual([{ type: 'gap' }]);
    await init(control);
    const head = await kill(control, 'all');
    expect((await executor.confirm(beat(executor.id, head), 'n')).events).toEqual([]);
    await expect.poll(() => heard).toHaveLength(3);
    const error = await failure(openExecutor({ ...at, requestTimeoutMs: 300 }).load(null, 'n'));
    expect(error).toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringMatching(/self.signed certificate/),
    });
  });

  test('a certificate for another name is refused, and nothing is said to its server', async () => {
    const redis = await startRedis({ password: 'hunter2' });
    const { port, ca } = await startTls(redis.port);
    const at = { url: `rediss://:hunter2@127.0.0.1:${port}/1`, requestTimeoutMs: 500 };
    const executor = openExecutor({ ...at, options: { tls: { ca } } });
    const { heard } = pushes(executor);
    expect(await failure(executor.load(null, 'n'))).toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringMatching(/does not match certificate's altnames.*127\.0\.0\.1/),
    });
    await expect.poll(() => heard).toMatchObject([{ type: 'trouble' }]);
    await init(openControl({ ...at, requestTimeoutMs: 2000, options: { tls: { ca, servername: 'localhost' } } }));
  });

  test('a server that accepts and never shakes hands fails in time', async () => {
    const server = createTcpServer((socket) => socket.on('error', () => {}));
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const executor = openExecutor({
      url: `rediss://localhost:${(server.address() as AddressInfo).port}`,
      requestTimeoutMs: 300,
    });
    const started = performance.now();
    expect(await failure(executor.load(null, 'n'))).toMatchObject({ code: 'STORE_UNREACHABLE' });
    expect(performance.now() - started).toBeLessThan(600);
  });
});

describe.skipIf(!hasRedis)('behind Sentinel', () => {
  test('a Sentinel that does not accept the password is named as what refuses', async () => {
    const master = await startRedis();
    const sentinel = await startRedis({
      args: ['--sentinel'],
      password: 'hunter2',
      config: [`sentinel monitor shop 127.0.0.1 ${master.port} 1`],
    });
    const at = (sentinelPassword: string) => ({
      url: 'redis://shop/2',
      options: { sentinels: [{ host: '127.0.0.1', port: sentinel.port }], name: 'shop', sentinelPassword },
      requestTimeoutMs: 1000,
    });
    const error = await failure(openExecutor(at('wrongword')).load(null, 'n'));
    expect(error).toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringMatching(/[Ss]entinel.*WRONGPASS/s),
    });
    expect(error.message).not.toContain('wrongword');
    await init(openControl(at('hunter2')));
    expect(await master.cli('INFO', 'keyspace')).toMatch(/db2:/);
    expect(await master.cli('DBSIZE')).toBe(0);
  });

  test('it follows the master over a failover, and goes on there', async () => {
    const master = await startRedis();
    const replica = await startRedis({ config: [`replicaof 127.0.0.1 ${master.port}`] });
    await expect.poll(() => replica.cli('INFO', 'replication'), { timeout: 15_000 }).toMatch(/master_link_status:up/);
    const sentinel = await startRedis({
      args: ['--sentinel'],
      config: [
        `sentinel monitor shop 127.0.0.1 ${master.port} 1`,
        'sentinel down-after-milliseconds shop 300',
        'sentinel failover-timeout shop 1000',
      ],
    });
    await expect.poll(() => sentinel.cli('SENTINEL', 'REPLICAS', 'shop'), { timeout: 15_000 }).toHaveLength(1);
    const options = { sentinels: [{ host: '127.0.0.1', port: sentinel.port }], name: 'shop' };
    const at = { url: 'redis://shop', options, requestTimeoutMs: 500 };
    const [control, executor] = [openControl(at), openExecutor(at)];
    const { heard } = pushes(executor);
    await init(control);
    const head = await kill(control, 'agent:x');
    await expect.poll(() => heard.filter(({ type }) => type === 'gap')).toHaveLength(1);
    expect((await executor.confirm(beat(executor.id, head), 'n')).events).toEqual([]);
    await expect
      .poll(() =>
        openControl({ url: replica.url })
          .read([])
          .then((view) => view.head),
      )
      .toEqual(head);
    await master.kill();
    const confirmed = () => executor.confirm(beat(executor.id, head), 'n').catch(({ code }: { code: string }) => code);
    await expect.poll(confirmed, { timeout: 20_000, interval: 50 }).toMatchObject({ head, events: [] });
    expect(((await replica.cli('ROLE')) as unknown[])[0]).toBe('master');
    await expect.poll(() => heard.filter(({ type }) => type === 'gap').length, { timeout: 5000 }).toBe(2);
    const next = await kill(control, 'agent:y');
    await expect.poll(() => heard.at(-1)).toMatchObject({ type: 'event', event: { hash: next.hash } });
  }, 60_000);
});
