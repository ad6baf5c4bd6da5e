import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openOngoing } from './open-ongoing.ts';

describe('what has ended is not in flight', () => {
  test('the request of an answer that has come, as HTTP libraries give it beside the answer', async () => {
    const { killSwitch, inFlight } = await openOngoing();
    const server = createHttpServer((asked, answer) => asked.resume().on('end', () => answer.end('done')));
    onTestFinished(() => void server.close());
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
