import { get } from 'node:http';
import { Duplex, PassThrough, Readable, Transform, Writable } from 'node:stream';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { hearUncaught, openOngoing } from './open-ongoing.ts';
import { stalling } from './slow-work.ts';

const objectMode = true;

const endless = (): Readable => Readable.from(Array.from({ length: 1e5 }, () => 'x'));

describe('a stop is no crash', () => {
  const sink = (): Writable => new Writable({ write: (_piece, _encoding, done) => void setTimeout(done, 5) });

  test.each<[string, () => Writable]>([
    ['a writable stream', sink],
    ['a gzip', createGzip],
    ['a pass-through', () => new PassThrough()],
    ['a duplex of two', () => Duplex.from({ readable: new PassThrough(), writable: sink() }) as Writable],
  ])('%s into which others are piped, and to which nobody listens', async (_kind, make) => {
    const { kill, give, inFlight } = await openOngoing();
    const uncaught = hearUncaught();
    const stream = await give(make);
    endless().pipe(stream);
    endless().pipe(stream);
    const closed = new Promise((resolve) => stream.once('close', resolve));
    await kill();
    await closed;
    await inFlight(0, 0);
    await turn();
    expect(uncaught).toEqual([]);
  });

  test('listeners get the reason', async () => {
    const { kill, give } = await openOngoing();
    const uncaught = hearUncaught();
    const stream = await give(sink);
    endless().pipe(stream);
    const heard = new Promise((resolve) => stream.once('error', resolve));
    await kill();
    expect(await heard).toMatchObject({ code: 'ABORTED' });
    await turn();
    expect(uncaught).toEqual([]);
  });

  test('an answer of HTTP whose request nobody listens to', async () => {
    const { kill, killSwitch, inFlight } = await openOngoing();
    const port = await stalling();
    const uncaught = hearUncaught();
    const action = killSwitch.action({
      name: 'http.get',
      execute: (_input: null) => new Promise<Readable>((resolve) => void get({ host: '127.0.0.1', port }, resolve)),
    });
    const answer = await action(null);
    answer.resume();
    const closed = new Promise((resolve) => answer.once('close', resolve));
    await kill();
    await closed;
    await inFlight(0, 0);
    await turn();
    expect(uncaught).toEqual([]);
  });

  test('an error of its own is still thrown where nobody listens', async () => {
    const { give } = await openOngoing();
    const uncaught = hearUncaught();
    const stream = await give(() => new Readable({ read() {} }));
    stream.destroy(new Error('its own'));
    await vi.waitFor(() => expect(uncaught).toMatchObject([{ message: 'its own' }]));
  });
});

describe('a pause', () => {
  test('holds the end of a web stream that is written, and its pieces', async () => {
    const { give, setMode, revive } = await openOngoing();
    const done: string[] = [];
    const make = (): WritableStream =>
      new WritableStream({ write: (piece: string) => void done.push(piece), close: () => void done.push('end') });
    const [written, ended] = [await give(make), await give(make)];
    expect((await setMode('paused')).acknowledgements.executors).toMatchObject([{ state: 'stopped', draining: 0 }]);
    const both = Promise.all([written.getWriter().write('a'), ended.close()]);
    await sleep(50);
    expect(done).toEqual([]);
    await revive();
    await both;
    expect(done.sort()).toEqual(['a', 'end']);
  });

  test('holds what reads of its own accord, as a full buffer does', async () => {
    const { give, setMode, revive } = await openOngoing();
    let timer: NodeJS.Timeout | undefined;
    onTestFinished(() => clearInterval(timer));
    let pieces = 0;
    const stream = await give(
      () =>
        new Readable({
          objectMode,
          read() {
            timer ??= setInterval(() => {
              pieces += 1;
              if (this.push(pieces)) return;
              clearInterval(timer);
              timer = undefined;
            }, 1);
          },
        }),
    );
    stream.resume();
    await vi.waitFor(() => expect(pieces).toBeGreaterThan(2));
    expect((await setMode('paused')).acknowledgements.executors).toMatchObject([{ state: 'stopped', draining: 0 }]);
    const before = pieces;
    await sleep(50);
    expect(pieces).toBe(before);
    await revive();
    await vi.waitFor(() => expect(pieces).toBeGreaterThan(before + 2));
    stream.destroy();
  });

  test.each<[string, (done: string[]) => Writable]>([
    ['written', (done) => new Writable({ write: (piece, _encoding, next) => (done.push(String(piece)), next()) })],
    [
      'transformed',
      (done) => new Transform({ transform: (piece, _encoding, next) => (done.push(String(piece)), next()) }),
    ],
  ])('holds a piece that is %s, and the stream destroyed meanwhile it is never handed on', async (_kind, make) => {
    const { give, setMode, revive, inFlight } = await openOngoing();
    const done: string[] = [];
    const stream = await give(() => make(done));
    await setMode('paused');
    const failed = new Promise((resolve) => stream.write('a', resolve));
    await sleep(50);
    stream.destroy();
    await revive();
    expect(await failed).toBeInstanceOf(Error);
    await inFlight(0, 0);
    expect(done).toEqual([]);
  });
});

/** The Transform of the package readable-stream, as a bundler leaves it: under another name. */
class T extends Duplex {
  constructor() {
    super();
    this.on('prefinish', () => {
      if (this._final !== T.prototype._final) T.prototype._final.call(this, () => {});
    });
  }
  _transform(_piece: unknown, _encoding: unknown, _done: () => void): void {
    throw new Error('every stream of it replaces this');
  }
  _flush(done: () => void): void {
    done();
  }
  override _write(piece: unknown, encoding: unknown, done: () => void): void {
    this._transform(piece, encoding, done);
  }
  override _read(): void {}
  override _final(done: () => void): void {
    this._flush(() => {
      this.push(null);
      done();
    });
  }
}
class Renamed extends T {
  override _transform(piece: unknown, _encoding: unknown, done: () => void): void {
    this.push(piece);
    done();
  }
  override _flush(done: () => void): void {
    this.push('end');
    done();
  }
}

test.each([
  [
    'of Node’s',
    () =>
      new Transform({
        transform: (piece, _encoding, done) => done(null, piece),
        flush(done) {
          this.push('end');
          done();
        },
      }),
  ],
  ['of another package, with another name', () => new Renamed()],
])('a transformation %s hands on its end once, as it does unheld', async (_kind, make) => {
  const { give, inFlight } = await openOngoing();
  const stream = await give(make);
  stream.end('a');
  let all = '';
  for await (const piece of stream) all += String(piece);
  expect(all).toBe('aend');
  await inFlight(0, 0);
});
