import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test, vi } from 'vitest';
import { hearUnhandled, openOngoing } from './open-ongoing.ts';
import { stores } from './real-sides.ts';

/** Counts what a source does, each time for a while. */
function counted(lastsMs = 20) {
  const seen = { begun: 0, ended: 0 };
  const pull = async (controller: ReadableStreamDefaultController<number>): Promise<void> => {
    seen.begun += 1;
    await sleep(lastsMs);
    seen.ended += 1;
    controller.enqueue(seen.ended);
  };
  return { seen, pull };
}

/** Lasts until it is told to end. */
function gate() {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

describe.each(stores)('what a stream asks of its source ahead, on %s', (_name, open) => {
  test.each([
    ['full_stop', 50],
    ['full_stop', 1],
    ['paused', 50],
    ['paused', 1],
  ] as const)('is not begun after %s, and waited for, with a mark of %i', async (mode, highWaterMark) => {
    const { killSwitch, control, heard, inFlight } = await openOngoing(await open());
    const { seen, pull } = counted();
    const action = killSwitch.action({
      name: 'mail.stream',
      execute: async (_input: null) => new ReadableStream({ pull }, { highWaterMark }),
    });
    const stream = await action(null);
    const reader = stream.getReader();
    await reader.read();
    await vi.waitFor(() => expect(seen.begun).toBeGreaterThan(1));
    const { acknowledgements } = await control.kill({ target: 'agent:x', mode, waitMs: 600_000 });
    expect(acknowledgements.executors).toMatchObject([{ state: 'stopped', draining: 0 }]);
    const atKill = seen.begun;
    expect(seen.ended).toBe(atKill);
    expect(atKill).toBeLessThan(40);
    await heard(mode);
    await sleep(200);
    expect(seen.begun).toBe(atKill);
    if (mode === 'full_stop') {
      await expect(reader.closed).rejects.toMatchObject({ code: 'ABORTED' });
      await inFlight(0);
    } else {
      await control.revive({ target: 'agent:x', reason: 'go on' });
      for (let n = 2; n <= atKill + 1; n += 1) expect(await reader.read()).toMatchObject({ value: n });
      expect(seen.begun).toBeGreaterThan(atKill);
      await reader.cancel();
      await inFlight(0);
    }
  });
});

describe('a pull that is under way is in flight until it is over', () => {
  test.each<[string, number, boolean, (controller: ReadableStreamDefaultController) => void]>([
    ['that nobody reads', 1, false, (controller) => controller.enqueue(1)],
    ['that is being read', 0, true, (controller) => controller.enqueue(1)],
    ['that is being read, with a queue', 5, true, (controller) => controller.enqueue(1)],
    [
      'that nobody reads, and whose pull fails',
      1,
      false,
      () => {
        throw new Error('its own');
      },
    ],
    ['that nobody reads, and that ends', 1, false, (controller) => controller.close()],
  ])('of a stream %s', async (_kind, highWaterMark, isRead, act) => {
    const { give, control, inFlight } = await openOngoing();
    const { opened: ended, open: end } = gate();
    let [begun, over, cancelled] = [0, 0, 0];
    const stream = await give(
      () =>
        new ReadableStream(
          {
            async pull(controller) {
              begun += 1;
              await ended;
              over += 1;
              act(controller);
            },
            cancel: () => void (cancelled += 1),
          },
          { highWaterMark },
        ),
    );
    if (isRead)
      stream
        .getReader()
        .read()
        .catch(() => {});
    await vi.waitFor(() => expect(begun).toBe(1));
    const killed = await control.kill({ target: 'agent:x', waitMs: 5000 });
    expect(killed.acknowledgements.executors).toMatchObject([{ state: 'draining', in_flight: 1, draining: 1 }]);
    expect(cancelled).toBe(1);
    end();
    await inFlight(0);
    expect([begun, over]).toEqual([1, 1]);
  });

  test('and so is its cancel()', async () => {
    const { give, control, inFlight } = await openOngoing();
    const { opened: ended, open: end } = gate();
    const stream = await give(() => new ReadableStream({ cancel: () => ended }));
    const killed = await control.kill({ target: 'agent:x', waitMs: 5000 });
    expect(killed.acknowledgements.executors).toMatchObject([{ state: 'draining', in_flight: 1, draining: 1 }]);
    await expect(stream.getReader().read()).rejects.toMatchObject({ code: 'ABORTED' });
    end();
    await inFlight(0);
  });

  test('and so is a piece that was being written when the stream was given', async () => {
    const { give, control, inFlight } = await openOngoing();
    const { opened: ended, open: end } = gate();
    const written: number[] = [];
    await give(() => {
      const stream = new WritableStream<number>({ write: (piece) => (written.push(piece), ended) });
      const writer = stream.getWriter();
      for (const piece of [1, 2]) writer.write(piece).catch(() => {});
      writer.releaseLock();
      return sleep(5).then(() => stream);
    });
    expect(written).toEqual([1]);
    const killed = await control.kill({ target: 'agent:x', waitMs: 5000 });
    expect(killed.acknowledgements.executors).toMatchObject([{ state: 'draining', in_flight: 1, draining: 1 }]);
    end();
    await inFlight(0);
    expect(written).toEqual([1]);
  });
});

describe('the usual web streams', () => {
  const parts = ['a', 'b', 'c'];
  const made = (): ReadableStream<string> => {
    const left = [...parts];
    return new ReadableStream({
      pull(controller) {
        const next = left.shift();
        if (next === undefined) controller.close();
        else controller.enqueue(next);
      },
    });
  };

  test.each<[string, () => ReadableStream<unknown>]>([
    ['pulled', made],
    ['of bytes', () => new Response('abc').body as ReadableStream],
    ['from an iterable', () => ReadableStream.from(parts)],
    ['a branch of a tee', () => made().tee()[0]],
    ['piped through a transformation', () => made().pipeThrough(new TransformStream())],
    ['pushed', () => new ReadableStream({ start: (c) => (parts.forEach((part) => c.enqueue(part)), c.close()) })],
    [
      'pushed for a while',
      () =>
        new ReadableStream({
          async start(c) {
            for (const part of parts) {
              await sleep(1);
              c.enqueue(part);
            }
            c.close();
          },
        }),
    ],
  ])('%s: the same object, whole, and landed when it has been read', async (_kind, make) => {
    const { give, inFlight } = await openOngoing();
    const source = make();
    const stream = await give(() => source);
    expect(stream).toBe(source);
    await inFlight(1);
    let all = '';
    for await (const piece of stream)
      all += typeof piece === 'string' ? piece : Buffer.from(piece as Uint8Array).toString();
    expect(all).toBe('abc');
    await inFlight(0);
  });

  test('bytes are read into the reader’s own buffer', async () => {
    const { give, kill, inFlight } = await openOngoing();
    const stream = await give(
      () =>
        new ReadableStream({
          type: 'bytes',
          pull(controller) {
            const { byobRequest } = controller;
            new Uint8Array(byobRequest?.view?.buffer as ArrayBuffer)[0] = 7;
            byobRequest?.respond(1);
          },
        }),
    );
    const reader = stream.getReader({ mode: 'byob' });
    expect((await reader.read(new Uint8Array(4))).value).toEqual(new Uint8Array([7]));
    await kill();
    await inFlight(0);
    await expect(reader.read(new Uint8Array(4))).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('a written one keeps its mark, its `ready` and its class', async () => {
    const { give, kill, inFlight } = await openOngoing();
    class Sink extends WritableStream<string> {
      readonly name = 'sink';
    }
    const { opened: ended, open: end } = gate();
    const stream = await give(() => new Sink({ write: () => ended }, { highWaterMark: 3 }));
    expect([stream instanceof Sink, stream.name]).toEqual([true, 'sink']);
    const writer = stream.getWriter();
    await writer.ready;
    expect(writer.desiredSize).toBe(3);
    const all = ['a', 'b', 'c'].map((piece) => writer.write(piece));
    expect(writer.desiredSize).toBe(0);
    end();
    await Promise.all(all);
    expect(writer.desiredSize).toBe(3);
    await kill();
    await inFlight(0);
    await expect(writer.write('d')).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test.each<[string, () => { readable: ReadableStream; writable: WritableStream }]>([
    ['a transformation', () => new TransformStream()],
    ['a compression', () => new CompressionStream('gzip')],
    ['a decoder', () => new TextDecoderStream()],
  ])('%s stays what it is, and both of its sides are ended', async (_kind, make) => {
    const { give, kill, inFlight } = await openOngoing();
    const pair = make();
    expect(await give(() => pair)).toBe(pair);
    const [read, write] = [pair.readable.getReader().read(), pair.writable.getWriter().closed];
    read.catch(() => {});
    write.catch(() => {});
    await inFlight(1);
    await kill();
    await inFlight(0);
    await expect(read).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(write).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test.each<
    [
      string,
      (pull: (controller: ReadableStreamDefaultController<number>) => Promise<void>) => unknown,
      (given: never) => ReadableStreamDefaultReader,
    ]
  >([
    [
      'that is locked',
      (pull) => {
        const stream = new ReadableStream({ pull });
        return [stream, Object.assign(() => {}, { reader: stream.getReader() })];
      },
      ([, { reader }]: [unknown, { reader: ReadableStreamDefaultReader }]) => reader,
    ],
    ['of which the reader alone is given', (pull) => new ReadableStream({ pull }).getReader(), (reader) => reader],
  ])('one %s is looked at as any other', async (_kind, make, readerOf) => {
    const { give, kill, inFlight } = await openOngoing();
    const { seen, pull } = counted();
    const reader = readerOf((await give(() => make(pull))) as never);
    await reader.read();
    await kill();
    const atKill = seen.begun;
    await expect(reader.read()).rejects.toMatchObject({ code: 'ABORTED' });
    await inFlight(0);
    expect(seen).toEqual({ begun: atKill, ended: atKill });
  });

  test('of which the writer alone is given is looked at as any other', async () => {
    const { give, kill, inFlight } = await openOngoing();
    const writer = await give(() => new WritableStream().getWriter());
    await writer.write(1);
    await kill();
    await inFlight(0);
    await expect(writer.write(2)).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('that is not Node’s own is refused: its pulls cannot be checked', async () => {
    const { give, inFlight } = await openOngoing();
    const foreign = { getReader: () => ({ read: async () => ({ done: false, value: 1 }) }) };
    await expect(give(() => foreign)).rejects.toMatchObject({
      code: 'RESULT_GOES_ON',
      message: expect.stringContaining("not Node's own"),
    });
    await inFlight(0);
  });

  test('that two calls of one agent give is in flight once, and that another gives, too, is refused', async () => {
    const { killSwitch, control, heard, inFlight } = await openOngoing();
    const { seen, pull } = counted(1);
    const stream = new ReadableStream({ pull }, { highWaterMark: 0 });
    const action = killSwitch.action({ name: 'log.follow', execute: (_input: null) => stream });
    const reader = (await action(null)).getReader();
    await action(null);
    await expect(killSwitch.run({ agentId: 'y' }, () => action(null))).rejects.toMatchObject({
      code: 'RESULT_GOES_ON',
    });
    await inFlight(1);
    await reader.read();
    await control.kill({ target: 'agent:x' });
    await heard('full_stop');
    await expect(reader.read()).rejects.toMatchObject({ code: 'ABORTED' });
    await inFlight(0);
    expect(seen.begun).toBe(1);
  });
});

describe('a pause', () => {
  test('of what is ended by its reader meanwhile asks for nothing afterwards', async () => {
    const { give, control, heard, inFlight } = await openOngoing();
    const { seen, pull } = counted(1);
    const stream = await give(() => new ReadableStream({ pull }, { highWaterMark: 0 }));
    await control.kill({ target: 'agent:x', mode: 'paused' });
    await heard('paused');
    const reader = stream.getReader();
    const read = reader.read();
    await sleep(20);
    await reader.cancel();
    expect(await read).toMatchObject({ done: true });
    await inFlight(0);
    await control.revive({ target: 'agent:x', reason: 'go on' });
    await heard('live');
    await sleep(50);
    expect(seen.begun).toBe(0);
    await inFlight(0);
  });

  test('of what is aborted meanwhile writes nothing, and aborts at once', async () => {
    const { give, control, heard, inFlight } = await openOngoing();
    const written: unknown[] = [];
    const stream = await give(() => new WritableStream({ write: (piece) => void written.push(piece) }));
    await control.kill({ target: 'agent:x', mode: 'paused' });
    await heard('paused');
    const writer = stream.getWriter();
    const write = writer.write('a');
    write.catch(() => {});
    await sleep(20);
    await writer.abort(new Error('no longer wanted'));
    await expect(write).rejects.toThrow();
    await inFlight(0);
    await control.revive({ target: 'agent:x', reason: 'go on' });
    await heard('live');
    await sleep(50);
    expect(written).toEqual([]);
    await inFlight(0);
  });
});

describe('what fails by itself', () => {
  test('a stream that nobody reads says so, and is no longer in flight', async () => {
    const { give, inFlight } = await openOngoing();
    const unhandled = hearUnhandled();
    let fail = (_error: Error): void => {};
    const stream = await give(
      () =>
        new ReadableStream({
          start(controller) {
            fail = (error) => controller.error(error);
          },
        }),
    );
    const { closed } = stream.getReader();
    await inFlight(1);
    fail(new Error('connection lost'));
    await expect(closed).rejects.toThrow('connection lost');
    await inFlight(0);
    expect(unhandled).toEqual([]);
  });

  test('a stream that is stopped, and that nobody reads, ends no process', async () => {
    const { give, kill, inFlight } = await openOngoing();
    const unhandled = hearUnhandled();
    await give(() => [
      new ReadableStream({ cancel: () => Promise.reject(new Error('cannot')) }),
      new ReadableStream({ pull: () => Promise.reject(new Error('cannot')) }),
      new WritableStream({ abort: () => Promise.reject(new Error('cannot')) }),
      new TransformStream(),
    ]);
    await kill();
    await inFlight(0);
    await sleep(20);
    expect(unhandled).toEqual([]);
  });
});

test('a stream with a queue that nobody can reach any more is found by the collector', async () => {
  const { give, inFlight } = await openOngoing();
  await (async () => {
    for (let call = 0; call < 10; call += 1) {
      await give(() => new ReadableStream({ pull: () => new Promise(() => {}) }, { highWaterMark: 5 }));
      await give(() => new TransformStream({}, {}, { highWaterMark: 5 }));
    }
  })();
  await inFlight(20);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const collecting = setInterval(collect, 20);
  await inFlight(0).finally(() => clearInterval(collecting));
});
