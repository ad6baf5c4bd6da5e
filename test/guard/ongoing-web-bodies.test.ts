import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import type { ReadableStream as WebStream } from 'node:stream/web';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { hearUnhandled, openOngoing } from './open-ongoing.ts';

const text = 'x'.repeat(300_000);

/** Answers at once; or only begins to, and never ends. */
async function serve(ends: boolean): Promise<string> {
  const server = createServer((_asked, answer) => void (ends ? answer.end(text) : answer.write('x')));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

type Make = (url: string) => WebStream | Promise<WebStream>;
const bodyOf = async (url: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> =>
  (await fetch(url)).body as ReadableStream<Uint8Array<ArrayBuffer>>;

const BODIES: Readonly<Record<string, Make>> = {
  'the body of a fetch': async (url) => (await bodyOf(url)) as WebStream,
  'one that is decoded': async (url) => (await bodyOf(url)).pipeThrough(new TextDecoderStream()) as WebStream,
  'one of which a piece is being read when it is given': async (url) => {
    const body = await bodyOf(url);
    const reader = body.getReader();
    reader.read().catch(() => {});
    reader.releaseLock();
    return body as WebStream;
  },
};

async function give(make: Make, url: string) {
  const opened = await openOngoing();
  const unhandled = hearUnhandled();
  const action = opened.killSwitch.action({
    name: 'http.get',
    execute: async (_input: null) => ({ body: await make(url) }),
  });
  return { ...opened, unhandled, body: (await action(null)).body };
}

test.each([
  ...Object.entries(BODIES),
  ['one of two', async (url) => (await bodyOf(url)).tee()[0] as WebStream],
  ['a blob', () => new Blob([text]).stream()],
  ['a stream of Node’s', () => Readable.toWeb(Readable.from([Buffer.from(text)]))],
  [
    'what was packed and unpacked',
    () =>
      new Blob([text]).stream().pipeThrough(new CompressionStream('gzip')).pipeThrough(new DecompressionStream('gzip')),
  ],
] as Array<[string, Make]>)('%s is read to its end, and then landed', async (_kind, make) => {
  const { body, unhandled, inFlight } = await give(make, await serve(true));
  let length = 0;
  for await (const piece of body) length += (piece as Uint8Array | string).length;
  expect(length).toBe(text.length);
  await inFlight(0);
  expect(unhandled).toEqual([]);
});

test.each(Object.entries(BODIES))('%s to which nothing comes any more is ended at once', async (_kind, make) => {
  const { body, unhandled, inFlight, kill } = await give(make, await serve(false));
  const read = (async () => {
    for await (const piece of body) expect(piece).toBeDefined();
  })();
  read.catch(() => {});
  await inFlight(1);
  const { acknowledgements } = await kill();
  expect(acknowledgements.executors).toMatchObject([{ state: 'stopped', in_flight: 0 }]);
  await expect(read).rejects.toMatchObject({ code: 'ABORTED' });
  await sleep(20);
  expect(unhandled).toEqual([]);
});
