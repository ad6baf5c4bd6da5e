import { once } from 'node:events';
import { connect } from 'node:net';
import { Duplex, Readable, Transform, Writable } from 'node:stream';
import { describe, expect, test, vi } from 'vitest';
import { openOngoing } from './open-ongoing.ts';
import { slowStep, stalling } from './slow-work.ts';

const objectMode = true;

type Slow = ReturnType<typeof slowStep>['step'];
const after = async (step: Promise<number>, done: (error?: Error | null, piece?: number) => void): Promise<void> =>
  done(null, await step);
const iterate = async (all: AsyncIterable<unknown>): Promise<void> => {
  const iterator = all[Symbol.asyncIterator]();
  while (!(await iterator.next()).done);
};

describe('a step that is under way is in flight until it is over', () => {
  test.each<[string, (step: Slow) => object, (given: never) => unknown]>([
    [
      'of a stream that reads',
      (step) =>
        new Readable({
          objectMode,
          read() {
            void step().then((piece) => this.push(piece));
          },
        }),
      iterate,
    ],
    [
      'of a stream that reads in an async function',
      (step) =>
        new Readable({
          objectMode,
          async read() {
            this.push(0);
            this.push(await step());
          },
          destroy: (error, done) => done(error),
        }),
      iterate,
    ],
    [
      'of a stream that writes',
      (step) => new Writable({ objectMode, write: (_piece, _encoding, done) => void after(step(), done) }),
      (stream: Writable) => (stream.write(1), once(stream, 'close')),
    ],
    [
      'of a stream that is ended',
      (step) => new Writable({ objectMode, final: (done) => void after(step(), done) }),
      (stream: Writable) => (stream.end(), once(stream, 'close')),
    ],
    [
      'of a stream that transforms',
      (step) =>
        new Transform({
          objectMode,
          transform: (_piece, _encoding, done) => void after(step(), done),
        }),
      (stream: Transform) => (stream.write(1), iterate(stream)),
    ],
    [
      'of a stream that transforms, at its end',
      (step) => new Transform({ objectMode, flush: (done) => void after(step(), done) }),
      (stream: Transform) => (stream.end(), iterate(stream)),
    ],
    [
      'of a duplex, on its reading side',
      (step) =>
        new Duplex({
          objectMode,
          read() {
            void step().then((piece) => this.push(piece));
          },
          write: (_piece, _encoding, done) => done(),
        }),
      iterate,
    ],
    [
      'of a web stream that is read',
      (step) =>
        new ReadableStream(
          {
            async pull(controller) {
              controller.enqueue(await step());
            },
          },
          { highWaterMark: 0 },
        ),
      iterate,
    ],
    [
      'of a web stream that is written',
      (step) => new WritableStream({ write: async () => void (await step()) }),
      (stream: WritableStream) => stream.getWriter().write(1),
    ],
    [
      'of a web stream that is closed',
      (step) => new WritableStream({ close: async () => void (await step()) }),
      (stream: WritableStream) => stream.close(),
    ],
    [
      'of an async iterator that cannot be ended',
      (step) => ({ next: async () => ({ done: false, value: await step() }), [Symbol.asyncIterator]: () => ({}) }),
      (iterator: AsyncIterator<number>) => iterator.next(),
    ],
    [
      'of an async iterator whose end does not wait for it',
      (step) => ({
        next: async () => ({ done: false, value: await step() }),
        return: async () => ({ done: true, value: undefined }),
        [Symbol.asyncIterator]: () => ({}),
      }),
      (iterator: AsyncIterator<number>) => iterator.next(),
    ],
  ])('%s', async (_kind, make, use) => {
    const { kill, killSwitch, inFlight } = await openOngoing();
    const { step, seen, end } = slowStep();
    const action = killSwitch.action({ name: 'slow.step', execute: (_input: null) => make(step) });
    const used = Promise.resolve(use((await action(null)) as never)).catch(() => {});
    await vi.waitFor(() => expect(seen.begun).toBeGreaterThan(0));
    expect((await kill(5000)).acknowledgements.executors).toMatchObject([
      { state: 'draining', in_flight: 1, draining: 1 },
    ]);
    const { begun } = seen;
    end();
    await inFlight(0, 0);
    await used;
    expect(seen).toEqual({ begun, ended: begun });
  });

  test.each<[string, (port: number) => Promise<object>]>([
    ['the body of a fetch', async (port) => (await fetch(`http://127.0.0.1:${port}`)).body as object],
    [
      'a socket',
      async (port) => {
        const socket = connect(port, '127.0.0.1');
        socket.write('GET / HTTP/1.1\r\n\r\n');
        return socket;
      },
    ],
  ])('%s to which nothing comes any more is ended at once', async (_kind, make) => {
    const { kill, killSwitch, inFlight } = await openOngoing();
    const port = await stalling();
    const action = killSwitch.action({ name: 'net.read', execute: (_input: null) => make(port) });
    const iterator = ((await action(null)) as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    await iterator.next();
    const next = iterator.next();
    next.catch(() => {});
    await inFlight(1, 0);
    expect((await kill()).acknowledgements.executors).toMatchObject([{ state: 'stopped', in_flight: 0 }]);
    await expect(next).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
