import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createReadStream, createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, get, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { type Duplex, PassThrough, Readable, Writable } from 'node:stream';
import { pipeline as piped } from 'node:stream/promises';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createGunzip } from 'node:zlib';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { temporaryFolder } from '../servers/lifetime.ts';
import { openOngoing } from './open-ongoing.ts';
import { all, STREAMS } from './streams.ts';

const EVENTS = ['error', 'end', 'finish', 'close', 'prefinish', 'pipe', 'unpipe'];

/** What is thrown to nobody, or rejected to nobody: each ends a process. */
function hearCrashes(): string[] {
  const heard: string[] = [];
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    const listener = (error: unknown): void => void heard.push(`${event}: ${(error as Error).message}`);
    const others = process.listeners(event as 'uncaughtException');
    process.removeAllListeners(event);
    process.on(event as 'uncaughtException', listener);
    onTestFinished(() => {
      process.off(event, listener);
      for (const other of others) process.on(event as 'uncaughtException', other);
    });
  }
  return heard;
}

async function setUp() {
  const opened = await openOngoing();
  const make = opened.killSwitch.action({ name: 'result.give', execute: (makeIt: () => object) => makeIt() });
  const give = async <T extends object>(it: T): Promise<T> => {
    let once: T | undefined = it; // an input is kept as long as its call is in flight: not so what it gives
    return (await make(() => {
      const given = once as T;
      once = undefined;
      return given;
    })) as T;
  };
  return { ...opened, give };
}

/** All that can be heard of a stream while it is used. */
async function heardOf(stream: Duplex, use: (stream: never) => unknown, hearsErrors: boolean): Promise<unknown[]> {
  const heard: unknown[] = [];
  for (const event of EVENTS) {
    if (event === 'error' && !hearsErrors) continue;
    stream.on(event, (value?: unknown) => void heard.push(value instanceof Error ? [event, value.message] : event));
  }
  await turn(); // a loop that was busy for long takes a turn before a step
  try {
    heard.push(['gave', await use(stream as never)]);
  } catch (error) {
    heard.push(['threw', (error as Error).message]);
  }
  await sleep(20);
  heard.push([
    'errored',
    stream.errored?.message ?? null,
    stream.destroyed,
    stream.readableEnded,
    stream.writableFinished,
  ]);
  heard.push([
    stream.readableObjectMode,
    stream.writableObjectMode,
    stream.readableHighWaterMark,
    stream.writableHighWaterMark,
  ]);
  return heard;
}

test.each([
  ['somebody listens', true],
  ['nobody listens', false],
])('a stream that is held does what it does unheld, where %s to errors', async (_name, hears) => {
  const { give, inFlight } = await setUp();
  const crashes = hearCrashes();
  for (const [name, make, use] of STREAMS) {
    const unheld = await heardOf(make() as Duplex, use, hears);
    const before = crashes.splice(0);
    const stream = await give(make() as Duplex);
    const held = await heardOf(stream, use, hears);
    expect({ name, held, crashes: crashes.splice(0) }).toEqual({ name, held: unheld, crashes: before });
    stream.destroy();
  }
  // One that throws while it hands on what was written never says that this is over: the collector does.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const collecting = setInterval(collect, 20);
  await inFlight(0).finally(() => clearInterval(collecting));
});

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});
async function listen<T extends Server>(server: T): Promise<number> {
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

describe('streams of the system', () => {
  test('files that are written, to the end and not before', async () => {
    const { give, inFlight } = await setUp();
    const path = join(temporaryFolder('write').path, 'file');
    const stream = await give(createWriteStream(path));
    await piped(Readable.from(['a', 'b']), stream);
    expect([stream.bytesWritten, stream.path, readFileSync(path, 'utf8')]).toEqual([2, path, 'ab']);
    await inFlight(0);
    writeFileSync(path, 'x'.repeat(200_000));
    const reading = await give(createReadStream(path, { start: 10, highWaterMark: 1000 }));
    expect(((await all(reading)) as string).length).toBe(199_990);
    const none = await give(createReadStream(`${path}-none`));
    await expect(all(none)).rejects.toMatchObject({ code: 'ENOENT' });
    await inFlight(0);
  });

  test('sockets on both sides, also before they are connected', async () => {
    const { give, inFlight } = await setUp();
    const port = await listen(createServer((socket) => void give(socket).then((held) => held.pipe(held))));
    const socket = await give(connect(port, '127.0.0.1').setNoDelay());
    socket.write('ping');
    expect(String((await once(socket, 'data'))[0])).toBe('ping');
    await inFlight(2);
    socket.end();
    await once(socket, 'close');
    await inFlight(0);
    const refused = connect(1, '127.0.0.1');
    const heard = once(refused, 'error');
    await give(refused);
    expect((await heard)[0]).toMatchObject({ code: 'ECONNREFUSED' });
    await inFlight(0);
  });

  test('a request that was received, and the answer to one that was sent', async () => {
    const { give, inFlight } = await setUp();
    const port = await listen(
      createHttpServer((asked, answer) => {
        void give(asked).then(async (held) => answer.end(`${held.method} ${await all(held)}`));
      }),
    );
    const answer = await new Promise<IncomingMessage>((resolve) => void get({ port, agent: false }, resolve));
    const held = await give(answer);
    expect([held.statusCode, await all(held)]).toEqual([200, 'GET ']);
    await inFlight(0);
  });

  test('the answer of a server is refused while it is not ended, with what to do', async () => {
    const { give, inFlight } = await setUp();
    const said = new EventEmitter();
    const port = await listen(
      createHttpServer((_asked, answer) => {
        void give(answer).catch((error: unknown) => said.emit('refused', error));
        setTimeout(() => answer.end(), 20);
      }),
    );
    const refused = once(said, 'refused');
    get({ port, agent: false }, (answer) => answer.resume());
    expect((await refused)[0]).toMatchObject({ message: expect.stringMatching(/inside execute/) });
    await inFlight(0);
  });

  test('the output of a child process: nothing more of it is handed on after a kill', async () => {
    const { give, kill, inFlight } = await setUp();
    const child = spawn('sh', ['-c', 'while echo x; do sleep 0.01; done']);
    const exited = once(child, 'exit');
    const output = await give(child.stdout);
    await once(output, 'data');
    await inFlight(1);
    await kill();
    await inFlight(0);
    await exited; // nobody reads it any more
  });
});

describe('a step that never says that it is over', () => {
  test.each<[string, () => Writable]>([
    ['of a decompressor that was given something else', createGunzip],
    [
      'of a stream that rejects',
      () => Object.assign(new Writable(), { _write: () => Promise.reject(new Error('broken')) }),
    ],
  ])('%s is over when the stream is closed', async (_kind, make) => {
    const { give, kill } = await setUp();
    const crashes = hearCrashes();
    const stream = (await give(make())).on('error', () => {});
    stream.write('no zip');
    await sleep(20);
    stream.destroy();
    expect(await kill()).toMatchObject({ acknowledgements: { executors: [{ state: 'stopped', in_flight: 0 }] } });
    expect(stream.destroyed).toBe(true);
    expect(crashes.filter((crash) => !crash.endsWith('broken'))).toEqual([]);
  });
});

describe('what is written is in flight until it is handed on', () => {
  test('also when the stream was ended before the call returned', async () => {
    const { give, kill, inFlight } = await setUp();
    const written: string[] = [];
    const dones: Array<() => void> = [];
    const stream = new Writable({
      write: (piece, _encoding, done) => (written.push(String(piece)), void dones.push(done)),
    });
    stream.write('a');
    stream.write('b');
    stream.end('c');
    expect(await give(stream)).toBe(stream);
    await inFlight(1);
    dones.shift()?.();
    await turn();
    expect(written).toEqual(['a', 'b']);
    const killed = kill();
    await vi.waitFor(() => expect(stream.destroyed).toBe(true), 5000);
    dones.shift()?.();
    await killed;
    await inFlight(0);
    expect(written).toEqual(['a', 'b']);
  });

  test('and what has been read to its end is not, also while nobody has taken it', async () => {
    const { give, inFlight } = await setUp();
    const stream = new Readable({ read() {} });
    stream.push('a');
    stream.push(null);
    await give(stream);
    await inFlight(0);
    expect(await all(stream)).toBe('a');
  });

  /** What y has given, and what has ended. */
  const endedSocket = async () => {
    const opened = await setUp();
    const { killSwitch, give } = opened;
    const port = await listen(createServer((socket) => socket.on('error', () => {}).pipe(socket)));
    const socket = connect(port, '127.0.0.1');
    await killSwitch.run({ agentId: 'y' }, () => give(socket));
    socket.destroy();
    await once(socket, 'close');
    const connectAnew = killSwitch.action({
      name: 'socket.connect',
      execute: (_input: null) => socket.connect(port, '127.0.0.1'),
    });
    return { ...opened, port, socket, connectAnew };
  };

  test('a socket that a call connects anew is held anew', async () => {
    const { killSwitch, socket, connectAnew, kill, inFlight } = await endedSocket();
    await killSwitch.run({ agentId: 'z' }, () => connectAnew(null));
    await inFlight(1);
    await kill();
    expect(socket.destroyed).toBe(true);
    await inFlight(0);
  });

  test('one that goes on before a call gives it anew is what the earlier call has given', async () => {
    const { killSwitch, give, control, port, socket, inFlight } = await endedSocket();
    await once(socket.connect(port, '127.0.0.1'), 'connect');
    socket.write('a');
    await once(socket, 'data');
    await expect(killSwitch.run({ agentId: 'z' }, () => give(socket))).rejects.toMatchObject({
      code: 'RESULT_GOES_ON',
      message: expect.stringMatching(/agent y/),
    });
    await inFlight(1);
    await control.kill({ target: 'agent:y', waitMs: 600_000 });
    await vi.waitFor(() => expect(socket.destroyed).toBe(true), 5000);
    await inFlight(0);
  });
});

test('our listeners cause no warning about too many listeners', async () => {
  const { give } = await setUp();
  const warned = vi.fn<(warning: Error) => void>();
  process.on('warning', warned);
  onTestFinished(() => void process.off('warning', warned));
  const stream = await give(new PassThrough());
  for (let count = 0; count < 10; count += 1) stream.on('close', () => {}).on('end', () => {});
  await sleep(10);
  expect(warned).not.toHaveBeenCalled();
});
