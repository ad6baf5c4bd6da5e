import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type FlagdKillSwitchOptions, FlagdKillSwitchProvider } from '../../provider/flagd/index.ts';
import {
  type FlagdServer,
  freePorts,
  hasFlagd,
  hasRedis,
  startFlagd,
  startRedis,
  temporaryFolder,
} from '../servers/index.ts';
import { hasOpenssl, makeCertificate } from '../store/redis/certificates.ts';

const NO_LOGGER = { debug() {}, info() {}, warn() {}, error() {} };

const FLAGS = {
  flags: { 'kill-switch.mode': { state: 'ENABLED', variants: { live: 'live' }, defaultVariant: 'live' } },
};

const DEADLINE_MS = 500;

/** What a provider with these options says: where it starts, and in its answers. */
async function saidBy(options: FlagdKillSwitchOptions) {
  const provider = new FlagdKillSwitchProvider({ host: '127.0.0.1', deadlineMs: DEADLINE_MS, ...options });
  onTestFinished(() => provider.onClose());
  const since = performance.now();
  const start = await provider.initialize().then(
    () => 'ready',
    (error: Error) => error.message,
  );
  const tookMs = performance.now() - since;
  const { flagMetadata, value } = await provider.resolveStringEvaluation('kill-switch.mode', 'live', {}, NO_LOGGER);
  return { start, tookMs, value, answer: String(flagMetadata?.['message']) };
}

/** It is said within the deadline of `initialize` (twice that of an evaluation), and again by each answer. */
async function expectSaid(options: FlagdKillSwitchOptions, ...parts: readonly string[]): Promise<void> {
  const { start, tookMs, value, answer } = await saidBy(options);
  for (const part of parts) {
    expect(start).toContain(part);
    expect(answer).toContain(part);
  }
  expect(value).toBe('full_stop');
  expect(tookMs).toBeLessThan(2 * DEADLINE_MS + 500);
}

const RPC = 'resolverType "rpc" asks flagd\'s evaluation port (--port, usually 8013)';
const IN_PROCESS = 'resolverType "in-process" asks flagd\'s sync port (--sync-port, usually 8015)';

const PORTS = {
  evaluation: (server: FlagdServer) => server.port,
  sync: (server: FlagdServer) => server.syncPort,
  OFREP: (server: FlagdServer) => server.ofrepPort,
  management: (server: FlagdServer) => server.managementPort,
} as const;

describe.skipIf(!hasFlagd)(
  'a port of flagd that a resolver cannot ask is said to be the wrong one, with the right one',
  () => {
    test.each([
      ['rpc', 'sync', 'does not have flagd.evaluation.v2.Service'],
      ['rpc', 'management', 'does not have flagd.evaluation.v2.Service'],
      ['rpc', 'OFREP', 'speaks no HTTP/2, or only over TLS (tls: true)'],
      ['in-process', 'evaluation', 'does not have flagd.sync.v1.FlagSyncService'],
      ['in-process', 'management', 'does not have flagd.sync.v1.FlagSyncService'],
      ['in-process', 'OFREP', 'speaks no HTTP/2, or only over TLS (tls: true)'],
    ] as const)('%s at the %s port', async (resolverType, at, what) => {
      const port = PORTS[at](await startFlagd({ flags: FLAGS }));
      const [own, other] = resolverType === 'rpc' ? [RPC, IN_PROCESS] : [IN_PROCESS, RPC];
      await expectSaid({ port, resolverType }, `what answers at 127.0.0.1:${port} ${what}`, `${own}; ${other}; `);
    });

    test.each([
      ['rpc', 'evaluation'],
      ['in-process', 'sync'],
    ] as const)('%s at the %s port is ready, but not with TLS', async (resolverType, at) => {
      const port = PORTS[at](await startFlagd({ flags: FLAGS }));
      expect(await saidBy({ port, resolverType })).toMatchObject({ start: 'ready', value: 'live' });
      await expectSaid({ port, resolverType, tls: true }, `127.0.0.1:${port} speaks no TLS: leave out tls`);
    });
  },
);

test.skipIf(!hasFlagd || !hasOpenssl)(
  'a flagd that speaks TLS is said to, and so is a certificate that nobody knows',
  async () => {
    const folder = temporaryFolder('certificate').path;
    const [keyPath, certPath] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    makeCertificate(keyPath, certPath);
    const args = ['--server-cert-path', certPath, '--server-key-path', keyPath];
    const { port } = await startFlagd({ flags: FLAGS, args, until: 'port' });
    await expectSaid({ port }, 'or only over TLS (tls: true)');
    const host = 'localhost'; // the name in the certificate
    await expectSaid({ host, port, tls: true }, 'is not trusted', 'certPath');
    await expect.poll(async () => (await saidBy({ host, port, tls: true, certPath })).start).toBe('ready');
  },
);

describe('what is no flagd at all is said to be none', () => {
  test.each(['rpc', 'in-process'] as const)('%s at a web server, and where nothing listens', async (resolverType) => {
    const own = resolverType === 'rpc' ? RPC : IN_PROCESS;
    const server = createServer((_request, response) => response.end('hello'));
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expectSaid({ port, resolverType }, 'speaks no HTTP/2', own);
    const [free] = await freePorts(1);
    await expectSaid({ port: free, resolverType }, `nothing listens at 127.0.0.1:${free} (ECONNREFUSED)`, own);
    const socketPath = join('/nowhere', 'flagd.sock');
    await expectSaid({ socketPath, resolverType }, `nothing listens at the socket "${socketPath}" (ENOENT)`, own);
  });

  test.skipIf(!hasRedis)('Redis', async () => {
    const { url } = await startRedis();
    await expectSaid({ port: Number(new URL(url).port) }, 'speaks no HTTP/2', RPC);
  });
});
