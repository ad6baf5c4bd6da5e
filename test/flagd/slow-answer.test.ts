import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { ProviderStatus } from '@openfeature/server-sdk';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FlagdKillSwitchProvider } from '../../provider/flagd/index.ts';
import { GrpcConnection } from '../../provider/flagd/grpc-connection.ts';
import { settingsOf } from '../../provider/flagd/options.ts';
import { clientOf, modeOf } from '../provider/helpers.ts';
import { hasFlagd, startFaultProxy, startFlagd } from '../servers/index.ts';

/** A definition of about 1.4 MB, as an export of 100,000 kills is. */
const large = (): object => ({
  flags: {
    'kill-switch.mode': {
      state: 'ENABLED',
      variants: { live: 'live', full_stop: 'full_stop' },
      defaultVariant: 'live',
      targeting: {
        if: [{ in: [{ var: 'agent_id' }, Array.from({ length: 100_000 }, (_, i) => `agent-${i}`)] }, 'full_stop', null],
      },
    },
  },
});

describe.skipIf(!hasFlagd)('a large definition over a slow network', () => {
  test.each([10, 40])('is READY, and stays so, where everything takes %d ms one way', async (delayMs) => {
    const { syncPort } = await startFlagd({ flags: large() });
    const proxy = await startFaultProxy({ port: syncPort, delayMs });
    onTestFinished(() => proxy.stop());
    const client = await clientOf(
      new FlagdKillSwitchProvider({ host: '127.0.0.1', port: proxy.port, resolverType: 'in-process', leaseMs: 5000 }),
    );
    await expect.poll(() => client.providerStatus, { timeout: 8000 }).toBe(ProviderStatus.READY);
    await new Promise((resolve) => setTimeout(resolve, 6000));
    expect(await modeOf(client, { agent_id: 'fine' })).toBe('live');
    expect(await modeOf(client, { agent_id: 'agent-99999' })).toBe('full_stop');
  });
});

/** A connection to a server that answers each question as given. */
async function answeredBy(answer: (stream: ServerHttp2Stream) => void): Promise<GrpcConnection> {
  const server = createServer();
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    answer(stream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const connection = new GrpcConnection(settingsOf({ host: '127.0.0.1', port }));
  onTestFinished(() => {
    connection.close();
    server.close();
  });
  return connection;
}

/** Sends a message of `parts` bytes, one byte every 50 ms. */
function drip(stream: ServerHttp2Stream, parts: number): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.write(Buffer.from([0, 0, 0, 0, parts]));
  let sent = 0;
  const timer = setInterval(() => {
    if (stream.destroyed) clearInterval(timer);
    else if (sent++ < parts) stream.write(Buffer.from('x'));
    else {
      clearInterval(timer);
      stream.end();
    }
  }, 50);
}

const NOTHING = new Uint8Array();

describe('the answer to one question', () => {
  test('is not late while it arrives', async () => {
    const connection = await answeredBy((stream) => drip(stream, 20));
    const answer = await connection.call('/a', NOTHING, { silentMs: 500, totalMs: 10_000 });
    expect(Buffer.from(answer).toString()).toBe('x'.repeat(20));
  });

  test('that is still arriving when patience is over says how much has come', async () => {
    const connection = await answeredBy((stream) => drip(stream, 100));
    await expect(connection.call('/a', NOTHING, { silentMs: 500, totalMs: 700 })).rejects.toThrow(
      /^flagd is still sending its answer after 700 ms: \d+ of 105 bytes$/,
    );
  });

  test('that has stopped in its midst says so', async () => {
    const connection = await answeredBy((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      stream.write(Buffer.from([0, 0, 0, 0, 9, 1]));
    });
    await expect(connection.call('/a', NOTHING, { silentMs: 300, totalMs: 5000 })).rejects.toThrow(
      'flagd sent nothing for 300 ms, after 6 of 14 bytes',
    );
  });

  test('of a web server says what came', async () => {
    const connection = await answeredBy((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'text/html' });
      stream.end('<html></html>');
    });
    await expect(connection.call('/a', NOTHING, { silentMs: 300, totalMs: 5000 })).rejects.toThrow(
      / is no gRPC server, but sends "text\/html": resolverType "rpc" asks flagd's evaluation port/,
    );
  });
});
