import * as streams from 'node:stream';
import { Duplex, PassThrough, Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openOngoing } from './open-ongoing.ts';

/** The types of Node 20 do not know of it. */
const { compose } = streams as unknown as { compose(...parts: unknown[]): Duplex };

interface Mine {
  timer?: NodeJS.Timeout;
  answer?: unknown;
}
const upper = async function* (source: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const piece of source) {
    await sleep(5);
    yield String(piece).toUpperCase();
  }
};

/** What says when it is destroyed that nothing of it goes on, and has a step that is never answered. */
const TORN_DOWN: Array<[string, () => Duplex | Writable]> = [
  [
    'a transformation that holds its callback',
    () => {
      const mine: Mine = {};
      return new Transform({
        transform: (_piece, _encoding, done) => void (mine.answer = done),
        destroy: (error, done) => done(error),
      });
    },
  ],
  [
    'one that writes by a timer',
    () => {
      const mine: Mine = {};
      return new Writable({
        write: (_piece, _encoding, done) => void (mine.timer = setTimeout(done, 60_000)),
        destroy: (error, done) => {
          clearTimeout(mine.timer);
          done(error);
        },
      });
    },
  ],
  [
    'a duplex',
    () => {
      const mine: Mine = {};
      return new Duplex({
        read() {},
        write: (_piece, _encoding, done) => void (mine.answer = done),
        destroy: (error, done) => void setImmediate(done, error),
      });
    },
  ],
  ['a duplex from a generator', () => Duplex.from(upper)],
  ['a composed one', () => compose(upper, new PassThrough())],
  [
    'one that is composed of streams',
    () =>
      compose(
        new Transform({ transform: (piece, _encoding, done) => void setTimeout(done, 20, null, piece) }),
        new PassThrough(),
      ),
  ],
  [
    'the input of a thread',
    () => {
      const worker = new Worker('setTimeout(() => {}, 60_000)', { eval: true, stdin: true });
      onTestFinished(() => void worker.terminate());
      return worker.stdin as Writable;
    },
  ],
];

describe('a stream that has been torn down is not in flight, though a step was never answered, and somebody holds it', () => {
  test.each(TORN_DOWN)('%s, after a kill', async (_kind, make) => {
    const { kill, killSwitch } = await openOngoing();
    const action = killSwitch.action({ name: 'rows.write', execute: (_input: null) => make() });
    const stream = await action(null);
    for (let piece = 0; piece < 20; piece += 1) stream.write('piece');
    await sleep(20);
    expect((await kill()).acknowledgements.executors).toMatchObject([{ state: 'stopped', in_flight: 0 }]);
    await vi.waitFor(() => expect(stream.closed).toBe(true));
  });

  test.each(TORN_DOWN)('%s, destroyed by whoever called', async (_kind, make) => {
    const { control, killSwitch, inFlight } = await openOngoing();
    const action = killSwitch.action({ name: 'rows.write', execute: (_input: null) => make() });
    const stream = await action(null);
    for (let piece = 0; piece < 20; piece += 1) stream.write('piece');
    await sleep(20);
    stream.on('error', () => {}); // some say that they did not come to their end
    stream.destroy();
    await inFlight(0);
    await killSwitch.close();
    expect((await control.status()).executors).toEqual([]);
    expect(stream.closed).toBe(true);
  });

  test('a generator in the midst of a pipeline', async () => {
    const { kill, killSwitch } = await openOngoing();
    const action = killSwitch.action({ name: 'rows.sum', execute: (_input: null) => Duplex.from(upper) });
    const stream = await action(null);
    const taken: unknown[] = [];
    const sink = new Writable({ write: (piece, _encoding, done) => (taken.push(piece), done()) });
    const ended = pipeline(Readable.from(Array.from({ length: 1000 }, () => 'row')), stream, sink).catch(
      (error: unknown) => error,
    );
    await vi.waitFor(() => expect(taken.length).toBeGreaterThan(2));
    expect((await kill()).acknowledgements.executors).toMatchObject([{ state: 'stopped', in_flight: 0 }]);
    expect(await ended).toMatchObject({ code: 'ABORTED' });
  });
});

/** Work that lasts until it is told to end. */
class Work {
  readonly #whenOver: Array<() => void> = [];
  readonly over = new Promise<void>((resolve) => {
    this.#whenOver.push(resolve);
  });
  whenOver(done: () => void): void {
    this.#whenOver.push(done);
  }
  end(): void {
    for (const done of this.#whenOver) done();
  }
}

describe('what goes on after its stream was destroyed is in flight until it is over', () => {
  test.each<[string, (work: Work) => Writable]>([
    [
      'a write of a stream that has no way of its own to end it',
      (work) => new Writable({ write: (_piece, _encoding, done) => work.whenOver(done) }),
    ],
    [
      'a piece of a transformation of the same kind',
      (work) => new Transform({ transform: (_piece, _encoding, done) => work.whenOver(done) }),
    ],
    [
      'an async write, whatever its stream says',
      (work) => {
        const stream = new Writable({ destroy: (error, done) => done(error) });
        stream._write = (() => work.over) as Writable['_write'];
        return stream;
      },
    ],
    [
      'a destroy() that has not called back',
      (work) => new Writable({ write() {}, destroy: (error, done) => work.whenOver(() => done(error)) }),
    ],
  ])('%s', async (_kind, make) => {
    const { control, killSwitch, inFlight } = await openOngoing();
    const work = new Work();
    const action = killSwitch.action({ name: 'rows.write', execute: (_input: null) => make(work) });
    const stream = await action(null);
    stream.write('piece');
    await inFlight(1);
    const { acknowledgements } = await control.kill({ target: 'agent:x', waitMs: 5000 });
    expect(acknowledgements.executors).toMatchObject([{ state: 'draining', in_flight: 1 }]);
    expect(stream.destroyed).toBe(true);
    work.end();
    await inFlight(0);
  });
});
