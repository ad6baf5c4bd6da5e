import { Server, ServerCredentials, type ServerWritableStream } from '@grpc/grpc-js';
import { ProviderEvents, ProviderStatus } from '@openfeature/server-sdk';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FlagdKillSwitchProvider } from '../../provider/flagd/index.ts';
import { clientOf, faultOf, modeOf, nextEvent, untilMode } from '../provider/helpers.ts';

const good = (mode: string): string =>
  JSON.stringify({
    flags: {
      'kill-switch.mode': { state: 'ENABLED', variants: { live: 'live', paused: 'paused' }, defaultVariant: mode },
    },
  });

/** A message with one text field, number 1. */
const message = (text: string | Buffer): Buffer => {
  const bytes = Buffer.from(text as string);
  const length = [(bytes.length & 0x7f) | 0x80, bytes.length >> 7]; // two bytes are enough here
  return Buffer.concat([Buffer.from([10, ...length]), bytes]);
};

/** A server of flagd's sync protocol that sends whatever a test gives it. */
async function syncServer(first: string | Buffer) {
  let definition = first;
  const streams = new Set<ServerWritableStream<Buffer, Buffer>>();
  const server = new Server();
  const plain = (name: string, responseStream: boolean) => ({
    path: `/flagd.sync.v1.FlagSyncService/${name}`,
    requestStream: false,
    responseStream,
    requestSerialize: (value: Buffer) => value,
    requestDeserialize: (value: Buffer) => value,
    responseSerialize: (value: Buffer) => value,
    responseDeserialize: (value: Buffer) => value,
  });
  server.addService({ SyncFlags: plain('SyncFlags', true), FetchAllFlags: plain('FetchAllFlags', false) }, {
    SyncFlags: (call: ServerWritableStream<Buffer, Buffer>) => {
      streams.add(call);
      call.on('close', () => streams.delete(call));
      call.write(message(definition));
    },
    FetchAllFlags: (_call: unknown, answer: (error: null, response: Buffer) => void) =>
      answer(null, message(definition)),
  } as never);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  onTestFinished(() => server.forceShutdown());
  return {
    port,
    streams,
    send(next: string | Buffer) {
      definition = next;
      for (const stream of streams) stream.write(message(next));
    },
    /** Without announcing it on the streams. */
    set(next: string) {
      definition = next;
    },
  };
}

const connect = (port: number, leaseMs = 600) =>
  clientOf(
    new FlagdKillSwitchProvider({ host: '127.0.0.1', port, resolverType: 'in-process', leaseMs, deadlineMs: 300 }),
  );

const UNREADABLE: [string, string | Buffer][] = [
  ['empty', ''],
  ['not JSON', 'flags: live'],
  ['truncated', good('live').slice(0, 40)],
  ['not UTF-8', Buffer.concat([Buffer.from(good('live').slice(0, -1)), Buffer.from([0xff, 0x7d])])],
  ['null', 'null'],
  ['with flags that are a text', '{"flags":"live"}'],
  ['with the mode as a text', '{"flags":{"kill-switch.mode":"live"}}'],
];
const WRONG_SHAPE: [string, string][] = [
  ['a list', '[]'],
  ['a number', '7'],
  ['without flags', '{}'],
];

describe('FlagdKillSwitchProvider, in-process, where what flagd sends cannot be used', () => {
  it.each([...UNREADABLE, ...WRONG_SHAPE])(
    'is not READY, and full_stop, where the first definition is %s',
    async (_what, first) => {
      const server = await syncServer(first);
      const client = await connect(server.port);
      expect(await modeOf(client)).toBe('full_stop');
      expect(await faultOf(client)).not.toBe('');
      expect(client.providerStatus).toBe(ProviderStatus.ERROR);
      server.send(good('live'));
      await untilMode(client, 'live');
      expect(client.providerStatus).toBe(ProviderStatus.READY);
    },
  );

  it.each(UNREADABLE)(
    'keeps the last good one while its lease lasts where a later one is %s, says so, then stops, and recovers',
    async (_what, later) => {
      const server = await syncServer(good('live'));
      const client = await connect(server.port, 900);
      expect(await modeOf(client)).toBe('live');
      const [stale, error] = [nextEvent(client, ProviderEvents.Stale), nextEvent(client, ProviderEvents.Error)];
      server.send(later);
      expect((await stale)['message']).not.toBe('');
      expect(await modeOf(client)).toBe('live');
      await error;
      expect(await modeOf(client)).toBe('full_stop');
      expect(await faultOf(client)).toBe('STALE');
      const ready = nextEvent(client, ProviderEvents.Ready);
      server.send(good('paused'));
      await ready;
      expect(await modeOf(client)).toBe('paused');
    },
  );

  it.each(WRONG_SHAPE)('stops at once where a later one is %s: there the flag is missing', async (_what, later) => {
    const server = await syncServer(good('live'));
    const client = await connect(server.port, 60_000);
    const changed = nextEvent(client, ProviderEvents.ConfigurationChanged);
    server.send(later);
    expect((await changed)['flagsChanged']).toEqual(['kill-switch.mode']);
    expect(await modeOf(client)).toBe('full_stop');
  });

  it('sees a change by asking where the stream has ended without an error', async () => {
    const server = await syncServer(good('live'));
    const client = await connect(server.port);
    await expect.poll(() => server.streams.size).toBe(1);
    for (const stream of server.streams) stream.end();
    server.set(good('paused'));
    await untilMode(client, 'paused', {}, 2000);
    await expect.poll(() => server.streams.size, { timeout: 3000 }).toBe(1);
  });

  it.each([
    ['says nothing', () => {}],
    ['speaks HTTP/1', 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'],
    ['hangs up', null],
  ])('is full_stop over a server that %s', async (_what, does) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      if (does === null) socket.destroy();
      else if (typeof does === 'string') socket.write(does);
    });
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
    onTestFinished(() => void server.close());
    const client = await connect(port);
    expect(client.providerStatus).toBe(ProviderStatus.ERROR);
    expect(await faultOf(client)).toBe('NOT_READY');
    expect(await modeOf(client)).toBe('full_stop');
  });

  it('refuses wrong options', () => {
    expect(() => new FlagdKillSwitchProvider({ resolverType: 'file' as never })).toThrow(
      'resolverType must be "rpc" or "in-process", not "file"',
    );
    expect(() => new FlagdKillSwitchProvider({ port: 0 })).toThrow('port must be a number from 1 to 65535, not 0');
    expect(() => new FlagdKillSwitchProvider({ leaseMs: 10 })).toThrow('leaseMs must be from 500');
    expect(() => new FlagdKillSwitchProvider({ deadlineMs: -1 })).toThrow('deadlineMs must be more than 0');
  });
});
