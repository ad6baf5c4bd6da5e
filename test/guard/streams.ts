import { once } from 'node:events';
import * as streams from 'node:stream';
import { Duplex, finished, PassThrough, pipeline, Readable, Transform, Writable } from 'node:stream';
import { pipeline as piped } from 'node:stream/promises';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { createGunzip, createGzip, gunzipSync } from 'node:zlib';

/** The types of Node 20 do not know of it. */
const { compose } = streams as unknown as {
  compose(work: (source: AsyncIterable<unknown>) => AsyncIterable<unknown>, then: Duplex): Duplex;
};
const broken = (): never => {
  throw new Error('broken');
};
const fail = (...args: unknown[]): void => (args.at(-1) as (error: Error) => void)(new Error('failed'));
const failLater = (...args: unknown[]): void => void setImmediate(fail, ...args);
export const all = async (stream: Readable): Promise<string> => {
  let text = '';
  for await (const piece of stream) text += String(piece);
  return text;
};
const write = (stream: Writable): Promise<unknown> =>
  new Promise((resolve) => {
    stream.write('a', (error) => resolve(error?.message ?? 'written'));
    stream.end('b');
  });
const both = (stream: Duplex): Promise<unknown> => Promise.all([write(stream), all(stream)]);

/** A stream of each kind, and how it is used: to its end, half-way, and until it fails in each way that it can. */
export const STREAMS: Array<[string, () => object, (stream: never) => unknown]> = [
  ['Readable.from', () => Readable.from(['a', 'b', 'c']), all],
  [
    'Readable.from of something that throws',
    () =>
      Readable.from(
        (async function* () {
          yield 'a';
          broken();
        })(),
      ),
    all,
  ],
  [
    'one that is read by hand',
    () => Readable.from(['a', 'b']),
    async (stream: Readable) => {
      await once(stream, 'readable');
      return [stream.read(), stream.read(), stream.read()];
    },
  ],
  [
    'one that is left half-way',
    () => Readable.from(['a', 'b']),
    async (stream: Readable) => {
      for await (const piece of stream) return piece;
    },
  ],
  [
    'objects, with a mark of their own',
    () =>
      new Transform({
        objectMode: true,
        highWaterMark: 3,
        transform: (piece, _encoding, done) => done(null, { piece }),
      }),
    async (stream: Transform) => {
      stream.write(1);
      stream.end(2);
      return stream.toArray();
    },
  ],
  [
    'a mark, and full',
    () => new Writable({ highWaterMark: 2, write: (_piece, _encoding, done) => void setImmediate(done) }),
    async (stream: Writable) => {
      const room = [stream.write('a'), stream.write('bc')];
      await once(stream, 'drain');
      stream.end();
      await once(stream, 'finish');
      return room;
    },
  ],
  [
    'one that is corked',
    () => {
      const seen: number[] = [];
      return Object.assign(new Writable({ writev: (pieces, done) => (seen.push(pieces.length), done()) }), { seen });
    },
    async (stream: Writable & { seen: number[] }) => {
      stream.cork();
      stream.write('a');
      stream.write('b');
      stream.uncork();
      stream.end();
      await once(stream, 'close');
      return stream.seen;
    },
  ],
  [
    'a duplex',
    () =>
      new Duplex({
        read() {
          this.push('r');
          this.push(null);
        },
        write: (_piece, _encoding, done) => done(),
      }),
    both,
  ],
  [
    'compose',
    () =>
      compose(async function* (source) {
        for await (const piece of source) yield String(piece).toUpperCase();
      }, new PassThrough()),
    both,
  ],
  [
    'compose of what throws',
    () =>
      compose(async function* (source) {
        for await (const piece of source) {
          yield piece;
          broken();
        }
      }, new PassThrough()),
    both,
  ],
  [
    'Duplex.from',
    () =>
      Duplex.from(async function* (source: AsyncIterable<unknown>) {
        for await (const piece of source) yield piece;
      }),
    both,
  ],
  [
    'pipeline through it',
    () => new PassThrough(),
    (stream: PassThrough) =>
      new Promise((resolve) =>
        pipeline(
          Readable.from(['a', 'b']),
          stream,
          async (source: AsyncIterable<unknown>) => all(source as Readable),
          (error, value) => resolve([error?.message, value]),
        ),
      ),
  ],
  [
    'pipeline whose end fails',
    () => new PassThrough(),
    (stream: PassThrough) => piped(Readable.from(['a', 'b']), stream, new Writable({ write: fail })),
  ],
  [
    'pipe and unpipe',
    () => new PassThrough(),
    async (stream: PassThrough) => {
      const source = new PassThrough();
      source.pipe(stream);
      source.write('a');
      await once(stream, 'data');
      source.unpipe(stream);
      source.write('b');
      await turn();
      stream.end();
    },
  ],
  [
    'finished',
    () => Readable.from(['a']),
    (stream: Readable) => new Promise((resolve) => finished(stream.resume(), (error) => resolve(error?.message))),
  ],
  [
    'map, filter and take',
    () => Readable.from([1, 2, 3, 4]),
    (stream: Readable) =>
      stream
        .map((n: number) => n * 2)
        .filter((n: number) => n > 2)
        .take(2)
        .toArray(),
  ],
  [
    'as a web stream',
    () => Readable.from(['a', 'b']),
    async (stream: Readable) => {
      const pieces: unknown[] = [];
      for await (const piece of Readable.toWeb(stream)) pieces.push(piece);
      return pieces;
    },
  ],
  [
    'gzip',
    () => createGzip(),
    async (stream: Duplex) => {
      stream.end('text'.repeat(50_000));
      return gunzipSync(Buffer.concat(await stream.toArray())).length;
    },
  ],
  ['gunzip of what is none', () => createGunzip(), both],
  ['one that throws while it reads', () => new Readable({ read: broken }), all],
  ['one that throws while it writes', () => new Writable({ write: broken }), (stream: Writable) => stream.write('a')],
  ['one that throws while it transforms', () => new Transform({ transform: broken }), both],
  ['one that fails to write', () => new Writable({ write: fail }), write],
  ['one that fails to write later', () => new Writable({ write: failLater }), write],
  [
    'one that fails to write, and is not destroyed by that',
    () => new Writable({ autoDestroy: false, write: failLater }),
    write,
  ],
  [
    'one that fails at its end',
    () => new Writable({ write: (_piece, _encoding, done) => done(), final: failLater }),
    write,
  ],
  [
    'one that throws at its end',
    () => new Writable({ write: (_piece, _encoding, done) => done(), final: broken }),
    (stream: Writable) => {
      stream.end();
    },
  ],
  ['one that fails to transform', () => new Transform({ transform: fail }), both],
  [
    'one that fails to flush',
    () => new Transform({ transform: (piece, _encoding, done) => done(null, piece), flush: failLater }),
    both,
  ],
  [
    'one whose tearing down fails',
    () => new Readable({ read() {}, destroy: (_error, done) => done(new Error('torn')) }),
    (stream: Readable) => void stream.destroy(),
  ],
  [
    'one that is destroyed with an error',
    () => new Readable({ read() {} }),
    (stream: Readable) => void stream.destroy(new Error('mine')),
  ],
  [
    'one that only says an error',
    () => new Readable({ read() {} }),
    (stream: Readable) => void stream.emit('error', new Error('said')),
  ],
  [
    'one that rejects while it reads',
    () => Object.assign(new Readable(), { _read: async () => broken() }),
    async (stream: Readable) => {
      stream.resume();
      await sleep(5);
      stream.destroy();
    },
  ],
  [
    'one that rejects while it writes',
    () => Object.assign(new Writable(), { _write: async () => broken() }),
    async (stream: Writable) => {
      stream.write('a');
      await sleep(5);
      stream.destroy();
    },
  ],
  [
    'one that is written to after its end',
    () => new PassThrough(),
    (stream: PassThrough) => {
      stream.end();
      stream.write('late');
    },
  ],
];
