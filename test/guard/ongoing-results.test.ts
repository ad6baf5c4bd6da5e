import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Duplex, Readable, Transform, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { describe, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../servers/lifetime.ts';
import { openOngoing } from './open-ongoing.ts';
import { mails } from './mails.ts';

describe('each kind of result', () => {
  test('a synchronous generator is refused its next step', async () => {
    const { killSwitch, kill, inFlight } = await openOngoing();
    const sent: number[] = [];
    const action = killSwitch.action({ name: 'mail.steps', execute: (_input: null) => mails(sent).generator() });
    const result = await action(null);
    expect(result.next().value).toBe(1);
    await inFlight(1);
    await kill();
    await inFlight(0);
    expect(() => result.next()).toThrow(expect.objectContaining({ code: 'ABORTED' }));
    expect(sent).toEqual([1]);
  });

  test('iterated to its end it is landed, whole and in order', async () => {
    const { killSwitch, inFlight, control } = await openOngoing();
    const action = killSwitch.action({
      name: 'rows.read',
      effect: 'read',
      execute: async function* (_input: null) {
        yield 1;
        yield 2;
      },
    });
    const all: number[] = [];
    for await (const row of await action(null)) all.push(row);
    expect(all).toEqual([1, 2]);
    await inFlight(0);
    expect((await control.interventions()).data).toEqual([]);
  });

  test('left half-way it is landed too, and its own cleaning up has run', async () => {
    const { killSwitch, inFlight } = await openOngoing();
    let cleaned = false;
    const action = killSwitch.action({
      name: 'rows.read',
      execute: async function* (_input: null) {
        try {
          yield 1;
          yield 2;
        } finally {
          cleaned = true;
        }
      },
    });
    for await (const row of await action(null)) if (row === 1) break;
    expect(cleaned).toBe(true);
    await inFlight(0);
  });

  test('a pause holds the next step until it ends; it has nothing to drain between steps', async () => {
    const { killSwitch, control, heard } = await openOngoing();
    const sent: number[] = [];
    const action = killSwitch.action({ name: 'mail.all', execute: (_input: null) => mails(sent).asyncGenerator() });
    const result = await action(null);
    await result.next();
    const { acknowledgements } = await control.kill({ target: 'agent:x', mode: 'paused', waitMs: 600_000 });
    expect(acknowledgements.executors).toMatchObject([{ state: 'stopped', draining: 0 }]);
    await heard('paused');
    const next = result.next();
    await sleep(100);
    expect(sent).toEqual([1]);
    await control.revive({ target: 'agent:x', reason: 'go on' });
    expect((await next).value).toBe(2);
    const steps = killSwitch.action({ name: 'mail.sync', execute: (_input: null) => mails(sent).generator() });
    const synchronous = await steps(null);
    await control.kill({ target: 'agent:x', mode: 'paused' });
    await heard('paused');
    expect(() => synchronous.next()).toThrow(expect.objectContaining({ code: 'PAUSED' }));
    await control.revive({ target: 'agent:x', reason: 'go on' });
    await heard('live');
    expect(synchronous.next().value).toBe(1);
  });

  test('a thenable function is awaited like any other promise', async () => {
    const { killSwitch, kill, inFlight } = await openOngoing();
    let resolve: (value: string) => void = () => {};
    const action = killSwitch.action({
      name: 'query.run',
      execute: (_input: null): Promise<string> =>
        Object.assign(() => {}, {
          // oxlint-disable-next-line unicorn/no-thenable -- that is what is tested
          then: (onResolved: (value: string) => void) => {
            resolve = onResolved;
          },
        }) as unknown as Promise<string>,
    });
    const attempt = action.attempt(null);
    await inFlight(1);
    const stopping = kill();
    await vi.waitFor(() => expect(killSwitch.check().mode).toBe('full_stop'));
    resolve('done');
    expect(await attempt).toMatchObject({ status: 'aborted', landed: 'unknown' });
    await stopping;
  });

  test('a `then` that throws when it is read leaves nothing in flight', async () => {
    const { killSwitch, inFlight } = await openOngoing();
    // oxlint-disable-next-line unicorn/no-thenable -- that is what is tested
    const odd = Object.defineProperty({}, 'then', {
      get: () => {
        throw new Error('not readable');
      },
    });
    const action = killSwitch.action({ name: 'odd.result', execute: (_input: null) => odd });
    await expect(action.attempt(null)).rejects.toThrow('not readable');
    await inFlight(0);
  });

  test('a writable stream and a duplex hand on no further piece', async () => {
    const { killSwitch, kill, inFlight } = await openOngoing();
    const written: string[] = [];
    const sink = (): Writable =>
      new Writable({ write: (piece, _encoding, done) => (written.push(String(piece)), done()) });
    const upper = (): Duplex =>
      new Transform({ transform: (piece, _encoding, done) => (written.push(`t${piece}`), done(null, piece)) });
    const open = killSwitch.action({ name: 'file.open', execute: (_input: null) => sink() });
    const openDuplex = killSwitch.action({ name: 'file.duplex', execute: (_input: null) => upper() });
    const [stream, duplex] = [await open(null), await openDuplex(null)];
    stream.write('a');
    duplex.write('b');
    await inFlight(2);
    const errors = Promise.all([once(stream, 'error'), once(duplex, 'error')]);
    await kill();
    await inFlight(0);
    stream.write('c', () => {});
    duplex.write('d', () => {});
    await errors;
    expect(written).toEqual(['a', 'tb']);
  });

  test('a stream that nobody listens to is ended without an uncaught error', async () => {
    const { killSwitch, kill, inFlight } = await openOngoing();
    const action = killSwitch.action({
      name: 'file.silent',
      execute: (_input: null) => new Readable({ read() {} }),
    });
    const stream = await action(null);
    await inFlight(1);
    await kill();
    expect(stream.destroyed).toBe(true);
    await inFlight(0);
  });

  test('a file’s stream keeps what it carries, and is landed when it has been read', async () => {
    const { killSwitch, inFlight } = await openOngoing();
    const path = join(temporaryFolder('read').path, 'file');
    writeFileSync(path, 'some text');
    const action = killSwitch.action({
      name: 'file.read',
      effect: 'read',
      execute: (_input: null) => createReadStream(path),
    });
    const stream = await action(null);
    expect(stream.path).toBe(path);
    const pieces: Buffer[] = [];
    for await (const piece of stream) pieces.push(piece as Buffer);
    expect(Buffer.concat(pieces).toString()).toBe('some text');
    await inFlight(0);
  });

  test('a web stream that is written, and both sides of a transformation', async () => {
    const { killSwitch, kill, inFlight } = await openOngoing();
    const written: string[] = [];
    const action = killSwitch.action({
      name: 'web.write',
      execute: (_input: null) => new WritableStream<string>({ write: (piece) => void written.push(piece) }),
    });
    const both = killSwitch.action({
      name: 'web.both',
      execute: (_input: null) => new TransformStream<string, string>(),
    });
    const writer = (await action(null)).getWriter();
    await writer.write('a');
    const pair = await both(null);
    const through = ReadableStream.from(['p', 'q']).pipeThrough(pair).getReader();
    expect(await through.read()).toMatchObject({ value: 'p' });
    await inFlight(2);
    await kill();
    await inFlight(0);
    await expect(writer.write('b')).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(through.read()).rejects.toMatchObject({ code: 'ABORTED' });
    expect(written).toEqual(['a']);
  });

  test('a process and a thread that were not waited for are counted, and ended', async () => {
    const { killSwitch, kill, inFlight } = await openOngoing();
    const start = killSwitch.action({ name: 'shell.run', execute: (_input: null) => spawn('sleep', ['60']) });
    const think = killSwitch.action({
      name: 'thread.run',
      execute: (_input: null) => new Worker('setInterval(() => {}, 1000)', { eval: true }),
    });
    const [child, worker] = [await start(null), await think(null)];
    const ended = Promise.all([once(child, 'exit'), once(worker, 'exit')]);
    await inFlight(2);
    await kill();
    await ended;
    await inFlight(0);
  });

  test('members of a plain result are held too: a promise is counted, a stream looked at', async () => {
    const { killSwitch, kill, inFlight } = await openOngoing();
    const sent: number[] = [];
    let finish = (): void => {};
    const action = killSwitch.action({
      name: 'chat.ask',
      execute: (_input: null) => ({
        text: mails(sent).asyncGenerator(),
        usage: new Promise<void>((resolve) => {
          finish = resolve;
        }),
        id: 7,
      }),
    });
    const { text, usage, id } = await action(null);
    expect(id).toBe(7);
    await text.next();
    await inFlight(1);
    const stopped = kill();
    await vi.waitFor(() => expect(killSwitch.check().mode).toBe('full_stop'));
    await expect(text.next()).rejects.toMatchObject({ code: 'ABORTED' });
    finish();
    await expect(usage).rejects.toMatchObject({ code: 'ABORTED' }); // it came after the stop
    expect((await stopped).acknowledgements.executors).toMatchObject([{ in_flight: 0 }]);
    expect(sent).toEqual([1]);
  });

  test('a stream behind thousands of other members is held, and no getter of an array is run', async () => {
    const { killSwitch, kill } = await openOngoing();
    const sent: number[] = [];
    let read = 0;
    const list: unknown[] = [...Array.from({ length: 5000 }, (_, index) => index), mails(sent).asyncGenerator()];
    Object.defineProperty(list, 0, { get: () => (read += 1), enumerable: true, configurable: true });
    const action = killSwitch.action({ name: 'list.result', execute: (_input: null) => list });
    const stream = (await action(null)).at(-1) as AsyncGenerator<number>;
    expect(read).toBe(0);
    await stream.next();
    await kill();
    await expect(stream.next()).rejects.toMatchObject({ code: 'ABORTED' });
    expect(sent).toEqual([1]);
  });

  test('a plain result is handed on as it is', async () => {
    const { killSwitch } = await openOngoing();
    const results = [
      undefined,
      null,
      0,
      'text',
      { a: { b: [1] } },
      [1, { c: 2 }],
      new Map([[1, 2]]),
      new Date(0),
      () => 1,
    ];
    let next: unknown;
    const action = killSwitch.action({ name: 'plain.result', execute: (_input: null): unknown => next });
    for (const result of results) {
      next = result;
      expect(await action(null)).toBe(result);
    }
  });

  test('dropped half-way, it is out of flight once the collector has found it', async () => {
    const { killSwitch, inFlight } = await openOngoing();
    const action = killSwitch.action({ name: 'mail.dropped', execute: (_input: null) => mails([]).asyncGenerator() });
    await (async () => void (await (await action(null)).next()))();
    await inFlight(1);
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const collecting = setInterval(collect, 20);
    await inFlight(0).finally(() => clearInterval(collecting));
  });

  test('stopped before it returned a stream, the call is aborted and the stream ended', async () => {
    const { killSwitch, kill, inFlight } = await openOngoing();
    const sent: number[] = [];
    let go = (): void => {};
    const stream = Readable.from(mails(sent).asyncGenerator());
    const action = killSwitch.action({
      name: 'mail.late',
      execute: async (_input: null) => {
        await new Promise<void>((resolve) => {
          go = resolve;
        });
        return stream;
      },
    });
    const attempt = action.attempt(null);
    await inFlight(1);
    const killing = kill();
    await vi.waitFor(() => expect(killSwitch.check().mode).toBe('full_stop'));
    go();
    expect(await attempt).toMatchObject({ status: 'aborted', landed: 'unknown' });
    await killing;
    await inFlight(0);
    expect(stream.destroyed).toBe(true);
    expect(sent).toEqual([]);
  });

  test('closing the switch stops it like a kill', async () => {
    const { killSwitch } = await openOngoing();
    const sent: number[] = [];
    const action = killSwitch.action({ name: 'mail.closing', execute: (_input: null) => mails(sent).asyncGenerator() });
    const result = await action(null);
    await result.next();
    await killSwitch.close();
    await expect(result.next()).rejects.toMatchObject({ code: 'ABORTED', decision: { mode: 'full_stop' } });
    expect(sent).toEqual([1]);
  });
});
