import { spawn } from 'node:child_process';
import { EventEmitter, on, once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { addAbortSignal, PassThrough, Readable, Writable } from 'node:stream';
import { setInterval as ticks, setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { isActionStoppedError } from '../../index.ts';
import { hearUncaught, hearUnhandled, openOngoing } from './open-ongoing.ts';
import { stores } from './real-sides.ts';

type Context = { readonly signal: AbortSignal };
type Make = (context: Context) => unknown;

const servers: Array<{ close(): void }> = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server whose answer goes on. */
async function talking(): Promise<number> {
  const server = createServer((_asked, answer) => {
    const talk = setInterval(() => answer.write('x'), 5);
    answer.on('close', () => clearInterval(talk));
  });
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

const emitting = (): EventEmitter => {
  const emitter = new EventEmitter();
  const timer = setInterval(() => emitter.emit('row', 1), 5);
  onTestFinished(() => clearInterval(timer));
  return emitter;
};

async function* untilAborted({ signal }: Context): AsyncGenerator<number> {
  try {
    for await (const tick of ticks(5, 1, { signal })) yield tick;
  } catch (error) {
    if ((error as Error).name !== 'AbortError') throw error;
  }
}

const asSdk = (context: Context): AsyncIterable<number> => ({ [Symbol.asyncIterator]: () => untilAborted(context) });

const pushed = ({ signal }: Context, end: (stream: Readable) => void): Readable => {
  const stream = new Readable({
    objectMode: true,
    read() {
      setTimeout(() => this.push(1), 5);
    },
  });
  signal.addEventListener('abort', () => end(stream));
  return stream;
};

const closing = ({ signal }: Context): ReadableStream => {
  let timer: NodeJS.Timeout;
  return new ReadableStream({
    start(controller) {
      timer = setInterval(() => controller.enqueue(1), 5);
      signal.addEventListener('abort', () => {
        clearInterval(timer);
        controller.close();
      });
    },
    cancel: () => clearInterval(timer),
  });
};

/** What ends, when its signal fires, as if it were complete; or fails with an error of its own. */
const ITERATED: Array<[string, Make]> = [
  ['a subscription', ({ signal }) => on(emitting(), 'row', { signal })],
  ['a generator', untilAborted],
  ['an SDK’s stream', asSdk],
  ['one inside a result', (context) => ({ it: asSdk(context) })],
  ['ticks', ({ signal }) => ticks(5, 1, { signal })],
  [
    'a plain next()',
    (context) => {
      const inner = untilAborted(context);
      return { next: () => inner.next(), [Symbol.iterator]: undefined, [Symbol.asyncIterator]: () => inner };
    },
  ],
  ['a web stream that is closed', closing],
  [
    'a web stream that is failed',
    ({ signal }) =>
      new ReadableStream({
        start: (controller) => signal.addEventListener('abort', () => controller.error(new Error('its own'))),
        pull: (controller) => sleep(5).then(() => controller.enqueue(1)),
      }),
  ],
  [
    'a web stream whose pull hears of it',
    ({ signal }) =>
      new ReadableStream({ pull: async (controller) => controller.enqueue(await sleep(5, 1, { signal })) }),
  ],
  ['a web stream from a generator', (context) => ReadableStream.from(untilAborted(context))],
  [
    'a side of a transformation',
    (context) => {
      const { readable, writable } = new TransformStream();
      void closing(context)
        .pipeTo(writable)
        .catch(() => {});
      return readable;
    },
  ],
  ['a stream that is pushed to its end', (context) => pushed(context, (stream) => stream.push(null))],
  ['a stream that is destroyed', (context) => pushed(context, (stream) => stream.destroy())],
  ['a stream that is failed', (context) => pushed(context, (stream) => stream.destroy(new Error('its own')))],
  [
    'a stream with the signal',
    ({ signal }) =>
      addAbortSignal(
        signal,
        pushed({ signal }, () => {}),
      ),
  ],
  [
    'a stream whose destroy() forgets why',
    (context) => {
      const source = untilAborted(context);
      return new Readable({
        objectMode: true,
        read() {
          void source.next().then(({ value, done }) => this.push(done ? null : value));
        },
        destroy: (_error, done) => done(),
      });
    },
  ],
  ['a stream from a generator', (context) => Readable.from(untilAborted(context))],
  [
    'a stream into which another is piped',
    (context) => pushed(context, (stream) => stream.push(null)).pipe(new PassThrough({ objectMode: true })),
  ],
  [
    'a body that is fetched',
    async ({ signal }) => (await fetch(`http://127.0.0.1:${await talking()}`, { signal })).body,
  ],
  [
    'an answer of HTTP',
    async ({ signal }) => {
      const port = await talking();
      return new Promise((resolve, reject) => void get({ port, signal }, resolve).on('error', reject));
    },
  ],
  [
    'what a process says',
    ({ signal }) =>
      spawn('sh', ['-c', 'while :; do echo x; sleep 0.01; done'], { signal }).on('error', () => {}).stdout,
  ],
];

const pieces = (result: unknown): AsyncIterable<unknown> =>
  ((result as { it?: unknown }).it ?? result) as AsyncIterable<unknown>;

describe('after a stop nothing ends as if it were complete, nor by another error', () => {
  test.each(ITERATED)('%s', async (_kind, make) => {
    const { kill, killSwitch, inFlight } = await openOngoing();
    const [unhandled, uncaught] = [hearUnhandled(), hearUncaught()];
    const action = killSwitch.action({ name: 'rows.read', execute: (_input: null, context) => make(context) });
    let taken = 0;
    const result = await action(null);
    const used = (async () => {
      for await (const piece of pieces(result)) taken += piece === undefined ? 0 : 1;
    })().catch((error: unknown) => error);
    await vi.waitFor(() => expect(taken).toBeGreaterThan(1));
    await kill();
    const error = await used;
    expect(isActionStoppedError(error)).toBe(true);
    expect(error).toMatchObject({ code: 'ABORTED' });
    await inFlight(0);
    await sleep(20);
    expect([unhandled, uncaught]).toEqual([[], []]);
  });

  test.each(stores)('an SDK’s stream, over %s', async (_store, open) => {
    const { kill, killSwitch, inFlight } = await openOngoing(await open());
    const action = killSwitch.action({ name: 'rows.read', execute: (_input: null, context) => asSdk(context) });
    const iterator = (await action(null))[Symbol.asyncIterator]();
    await iterator.next();
    await Promise.all([
      kill(),
      expect(
        (async () => {
          while (!(await iterator.next()).done);
        })(),
      ).rejects.toMatchObject({ code: 'ABORTED' }),
    ]);
    await inFlight(0);
  });

  test.each<[string, boolean, (settle: Settle) => void]>([
    ['comes true', false, ({ resolve }) => resolve('all of it')],
    ['fails', false, ({ reject }) => reject(new Error('its own'))],
    ['comes true, of a class of its own', true, ({ resolve }) => resolve('all of it')],
  ])('a promise inside a result that %s', async (_how, ofItsOwn, settle) => {
    class Own<T> extends Promise<T> {}
    const { kill, killSwitch, inFlight } = await openOngoing();
    const unhandled = hearUnhandled();
    const action = killSwitch.action({
      name: 'rows.count',
      execute: (_input: null, { signal }) => ({
        it: new (ofItsOwn ? Own : Promise)<string>((resolve, reject) =>
          signal.addEventListener('abort', () => settle({ resolve, reject })),
        ),
      }),
    });
    const { it } = await action(null);
    await kill();
    await inFlight(0);
    await sleep(10);
    expect(unhandled).toEqual([]);
    await expect(it).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test.each<[string, (end: Promise<void>) => WritableStream, (stream: WritableStream) => Promise<unknown>]>([
    ['the close of a web stream', (end) => new WritableStream({ close: () => end }), (stream) => stream.close()],
    [
      'the close of a web stream that fails by itself',
      (end) => new WritableStream({ close: () => end.then(() => Promise.reject(new Error('its own'))) }),
      (stream) => stream.close(),
    ],
    [
      'a write that fails by itself',
      (end) => new WritableStream({ write: () => end.then(() => Promise.reject(new Error('its own'))) }),
      (stream) => stream.getWriter().write(1),
    ],
    [
      'the end of what was piped',
      (end) => new WritableStream({ close: () => end }),
      (stream) => ReadableStream.from([1, 2]).pipeTo(stream),
    ],
  ])('%s', async (_what, make, use) => {
    const { kill, killSwitch, inFlight } = await openOngoing();
    const action = killSwitch.action({
      name: 'rows.write',
      execute: (_input: null, { signal }) =>
        make(new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))),
    });
    const used = use(await action(null)).catch((error: unknown) => error);
    await sleep(20);
    await kill();
    expect(await used).toMatchObject({ code: 'ABORTED' });
    await inFlight(0);
  });

  test('the end of a stream that is written', async () => {
    const { kill, killSwitch, inFlight } = await openOngoing();
    const action = killSwitch.action({
      name: 'rows.write',
      execute: (_input: null, { signal }) =>
        new Writable({
          write: (_piece, _encoding, done) => done(),
          final: (done) => signal.addEventListener('abort', () => done()),
        }),
    });
    const stream = await action(null);
    const finished = vi.fn<() => void>();
    stream.on('finish', finished);
    const failed = new Promise((resolve) => stream.once('error', resolve));
    const ended = new Promise((resolve) => stream.end(resolve));
    await sleep(20);
    await kill();
    expect(await failed).toMatchObject({ code: 'ABORTED' });
    expect(await ended).toBeInstanceOf(Error);
    expect(finished).not.toHaveBeenCalled();
    await inFlight(0);
  });

  test.each<[string, (context: Context) => { stdout: Readable | null }]>([
    ['a process', () => spawn('sh', ['-c', 'while :; do echo x; sleep 0.01; done'])],
    [
      'a process with the signal',
      ({ signal }) => spawn('sh', ['-c', 'while :; do echo x; sleep 0.01; done'], { signal }),
    ],
    ['a thread', () => new Worker('setInterval(() => console.log(1), 5)', { eval: true, stdout: true })],
  ])('what is said by %s that is given whole', async (_kind, make) => {
    const { kill, killSwitch, inFlight } = await openOngoing();
    const uncaught = hearUncaught();
    const action = killSwitch.action({ name: 'job.run', execute: (_input: null, context) => make(context) });
    const { stdout } = await action(null);
    let taken = 0;
    const used = (async () => {
      for await (const piece of stdout as Readable) taken += String(piece).length;
    })().catch((error: unknown) => error);
    await vi.waitFor(() => expect(taken).toBeGreaterThan(1), 5000);
    await kill();
    expect(await used).toMatchObject({ code: 'ABORTED' });
    await inFlight(0);
    expect(uncaught).toEqual([]);
  });

  test('a first pull that began inside execute, and that closes its stream or fails', async () => {
    const { kill, killSwitch, inFlight } = await openOngoing();
    const action = killSwitch.action({
      name: 'rows.read',
      execute: async (_input: null, { signal }) => {
        const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        const given = [
          new ReadableStream({ pull: (controller) => aborted.then(() => controller.close()) }),
          new ReadableStream({ pull: () => aborted.then(() => Promise.reject(new Error('its own'))) }),
          ReadableStream.from(untilAborted({ signal })),
        ];
        await sleep(1);
        return given;
      },
    });
    const given = await action(null);
    const used = given.map(async (stream) => {
      await stream.pipeTo(new WritableStream());
    });
    const all = Promise.allSettled(used);
    await kill();
    for (const one of await all) expect(one).toMatchObject({ status: 'rejected', reason: { code: 'ABORTED' } });
    await inFlight(0);
  });

  test('what an action began that another one called with its own signal', async () => {
    const { kill, killSwitch, inFlight } = await openOngoing();
    const inner = killSwitch.action({ name: 'rows.read', execute: (_input: null, context) => asSdk(context) });
    const outer = killSwitch.action({
      name: 'rows.sum',
      execute: async (_input: null, { signal }) => {
        let sum = 0;
        for await (const row of await inner(null, { signal })) sum += row;
        return sum;
      },
    });
    const used = outer.attempt(null);
    await inFlight(2);
    await kill();
    expect(await used).toMatchObject({ status: 'aborted' });
    await inFlight(0);
  });
});

interface Settle {
  readonly resolve: (value: string) => void;
  readonly reject: (error: Error) => void;
}

test('what a step under way gives after a stop is given, and the next one is refused', async () => {
  const { kill, killSwitch, inFlight } = await openOngoing();
  const action = killSwitch.action({
    name: 'rows.read',
    execute: (_input: null, { signal }) =>
      (async function* () {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        yield 'the last';
        yield 'one too many';
      })(),
  });
  const result = await action(null);
  const first = result.next();
  await inFlight(1);
  await kill();
  expect(await first).toEqual({ value: 'the last', done: false });
  await expect(result.next()).rejects.toMatchObject({ code: 'ABORTED' });
});

test('what had ended before the stop stays as it was', async () => {
  const { kill, killSwitch } = await openOngoing();
  const action = killSwitch.action({
    name: 'rows.read',
    execute: (_input: null) => ({
      stream: new Readable({
        objectMode: true,
        read() {
          for (const piece of ['a', 'b', null]) this.push(piece);
        },
      }),
      promise: Promise.resolve('a'),
    }),
  });
  const { stream, promise } = await action(null);
  stream.read(0);
  await vi.waitFor(() => expect(stream.readableLength).toBe(2));
  await promise;
  await kill();
  expect(await stream.toArray()).toEqual(['a', 'b']);
  expect(await promise).toBe('a');
});

test('a generator that cleans up sees that its signal has fired', async () => {
  const { kill, killSwitch, inFlight } = await openOngoing();
  const seen: boolean[] = [];
  const action = killSwitch.action({
    name: 'rows.read',
    execute: async function* (_input: null, { signal }) {
      try {
        yield 1;
        yield 2;
      } finally {
        seen.push(signal.aborted);
      }
    },
  });
  await (await action(null)).next();
  await kill();
  await inFlight(0);
  expect(seen).toEqual([true]);
});
