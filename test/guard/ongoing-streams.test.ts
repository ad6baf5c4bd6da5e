import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer, get, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { Duplex, PassThrough, Readable, Transform, Writable } from 'node:stream';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { createGzip } from 'node:zlib';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { hearUncaught, openOngoing } from './open-ongoing.ts';

/** A step that lasts until it is told to end. */
function slowStep() {
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const seen = { begun: 0, ended: 0 };
  const step = async (): Promise<number> => {
    seen.begun += 1;
    await ended;
    seen.ended += 1;
    return seen.ended;
  };
  return { step, seen, end: () => end() };
}

const objectMode = true;
const endless = (): Readable => Readable.from(Array.from({ length: 1e5 }, () => 'x'));

const servers: Array<{ close(): void }> = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that begins an answer and never ends it. */
async function stalling(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n'));
  });
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

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

describe('what has ended is not in flight', () => {
  test('the request of an answer that has come, as HTTP libraries give it beside the answer', async () => {
    const { killSwitch, inFlight } = await openOngoing();
    const server = createHttpServer((asked, answer) => asked.resume().on('end', () => answer.end('done')));
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const post = killSwitch.action({
      name: 'http.post',
      execute: async (_input: null) => {
        const asked = request({ port, method: 'POST' });
        asked.end('x');
        const [answer] = (await once(asked, 'response')) as [IncomingMessage];
        let data = '';
        for await (const piece of answer) data += String(piece);
        return { status: answer.statusCode, data, request: asked };
      },
    });
    expect(await post(null)).toMatchObject({ status: 200, data: 'done', request: { writableEnded: true } });
    await inFlight(0, 0);

    const open = killSwitch.action({
      name: 'http.open',
      execute: (_input: null) => request({ port }).on('error', () => {}),
    });
    await expect(open(null)).rejects.toMatchObject({ code: 'RESULT_GOES_ON' });
  });

  test.each<[string, () => Promise<object>]>([
    [
      'a process that has ended',
      async () => {
        const child = spawn('true');
        await once(child, 'exit');
        return child;
      },
    ],
    [
      'a process that was killed',
      async () => {
        const child = spawn('sleep', ['60']);
        child.kill();
        await once(child, 'exit');
        return child;
      },
    ],
    [
      'a process that never began',
      async () => {
        const child = spawn('/no/such/program');
        await new Promise((resolve) => child.once('error', resolve));
        return child;
      },
    ],
    [
      'a thread that has ended',
      async () => {
        const worker = new Worker('0', { eval: true });
        await once(worker, 'exit');
        return worker;
      },
    ],
  ])('%s', async (_kind, make) => {
    const { killSwitch, kill } = await openOngoing();
    const action = killSwitch.action({
      name: 'started.early',
      execute: async (_input: null) => ({ it: await make() }),
    });
    await action(null);
    expect((await kill(5000)).acknowledgements.executors).toMatchObject([{ state: 'stopped', in_flight: 0 }]);
  });

  test('a stream that tells nobody that it is closed', async () => {
    const { give, kill, inFlight } = await openOngoing();
    const stream = await give(() => new Readable({ read() {}, emitClose: false }));
    await inFlight(1, 0);
    await kill();
    expect(stream.destroyed).toBe(true);
    await inFlight(0, 0);
  });

  test('a web stream whose writing has failed', async () => {
    const { give, inFlight } = await openOngoing();
    const stream = await give(() => new WritableStream({ write: () => Promise.reject(new Error('disk full')) }));
    await inFlight(1, 0);
    await expect(stream.getWriter().write(1)).rejects.toThrow('disk full');
    await inFlight(0, 0);
  });

  test.each<[string, () => object]>([
    ['a web stream', () => new ReadableStream({ pull: (controller) => controller.enqueue(1) })],
    ['a web stream that is written', () => new WritableStream()],
    ['a transformation', () => new TransformStream()],
    ['a stream of Node’s', () => new Readable({ read() {} })],
    ['one that is written', () => new Writable({ write: (_piece, _encoding, done) => done() })],
    ['one that never ends what it writes', () => new Writable({ write() {} })],
  ])('%s that nobody can reach any more, once the collector has found it', async (_kind, make) => {
    const { killSwitch, inFlight } = await openOngoing();
    const action = killSwitch.action({
      name: 'body.unread',
      execute: (_input: null) => ({ status: 200, body: make() }),
    });
    const useTwenty = async (): Promise<void> => {
      for (let call = 0; call < 20; call += 1) {
        const { body } = await action(null);
        if (body instanceof Writable) body.write('x');
      }
    };
    await useTwenty();
    await inFlight(20, 0);
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const collecting = setInterval(collect, 20);
    await inFlight(0, 0).finally(() => clearInterval(collecting));
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

test('what was begun beside something that is refused is in flight until it is over', async () => {
  const { killSwitch, kill, inFlight } = await openOngoing();
  const { step, seen, end } = slowStep();
  const child = spawn('sleep', ['60']);
  const action = killSwitch.action({
    name: 'timer.give',
    execute: (_input: null) => [setTimeout(() => {}, 5), step(), child],
  });
  await expect(action(null)).rejects.toMatchObject({
    code: 'RESULT_GOES_ON',
    message: expect.stringMatching(/Everything else in it that goes on has been ended\.$/),
  });
  await once(child, 'exit');
  expect((await kill(5000)).acknowledgements.executors).toMatchObject([
    { state: 'draining', in_flight: 1, draining: 1 },
  ]);
  end();
  await inFlight(0, 0);
  expect(seen.ended).toBe(1);
});

test('what ends with another one that is stopped is not counted as draining', async () => {
  const { killSwitch, kill } = await openOngoing();
  const log = new Writable({ write: (_piece, _encoding, done) => done() });
  const action = killSwitch.action({ name: 'log.open', execute: (_input: null) => log });
  await action(null);
  await action(null);
  expect((await kill(5000)).acknowledgements.executors).toMatchObject([
    { state: 'stopped', in_flight: 0, draining: 0 },
  ]);
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

test.each<[string, (act: () => void) => unknown]>([
  ['an immediate', (act) => setImmediate(act)],
  ['the second of two timers', (act) => [setTimeout(act, 5), setTimeout(act, 5)]],
  ['the second of two timers of different kinds', (act) => ({ a: setTimeout(act, 5), b: setImmediate(act) })],
])('%s that is refused never fires', async (_kind, make) => {
  const { killSwitch } = await openOngoing();
  const act = vi.fn<() => void>();
  const action = killSwitch.action({ name: 'timer.give', execute: (_input: null) => make(act) });
  await expect(action(null)).rejects.toMatchObject({ code: 'RESULT_GOES_ON' });
  await sleep(30);
  expect(act).not.toHaveBeenCalled();
});
