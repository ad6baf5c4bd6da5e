import { setTimeout as sleep } from 'node:timers/promises';
import type { UnderlyingSink } from 'node:stream/web';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { hearUnhandled, openOngoing } from './open-ongoing.ts';

type Inside = Record<string, unknown>;
const KEY = Object.getOwnPropertySymbols(new ReadableStream()).find(
  ({ description }) => description === 'kState',
) as symbol;
const insideOf = (thing: unknown): Inside => (thing as Record<symbol, Inside>)[KEY] as Inside;
const ownOf = (stream: object): Inside => insideOf(insideOf(stream)['controller']);

const refused = { code: 'RESULT_GOES_ON', message: expect.stringMatching(/in this runtime.*inside execute/) };

describe('a stream whose insides are not as they are known is refused by name', () => {
  const readable = (change: (own: Inside, outer: Inside) => unknown) => (): object => {
    const stream = new ReadableStream({ pull: () => sleep(10) }, { highWaterMark: 0 });
    change(ownOf(stream), insideOf(stream));
    return stream;
  };
  const writable = (change: (own: Inside, outer: Inside) => unknown) => (): object => {
    const stream = new WritableStream();
    change(ownOf(stream), insideOf(stream));
    return stream;
  };
  test.each<[string, () => object]>([
    ['that pulls by something else', readable((own) => delete own['pullAlgorithm'])],
    ['that is open and has no pull', readable((own) => Object.assign(own, { pullAlgorithm: undefined }))],
    [
      'that is open and has nothing of both',
      readable((own) => Object.assign(own, { pullAlgorithm: undefined, cancelAlgorithm: undefined })),
    ],
    ['whose pull is no function', readable((own) => Object.assign(own, { pullAlgorithm: {} }))],
    ['whose cancel is elsewhere', readable((own) => delete own['cancelAlgorithm'])],
    [
      'whose pull cannot be replaced',
      readable((own) => Object.defineProperty(own, 'pullAlgorithm', { writable: false })),
    ],
    [
      'whose pull is read by a getter',
      readable((own) => Object.defineProperty(own, 'pullAlgorithm', { get: () => () => {} })),
    ],
    ['that says otherwise when it is pulled', readable((own) => Object.assign(own, { pulling: 0 }))],
    ['that says otherwise whether it is open', readable((_own, outer) => delete outer['state'])],
    ['whose controller is of another', readable((own) => Object.assign(own, { stream: new ReadableStream() }))],
    ['that writes by something else', writable((own) => delete own['writeAlgorithm'])],
    ['that ends by something else', writable((own) => delete own['closeAlgorithm'])],
    ['that aborts by something else', writable((own) => Object.assign(own, { abortAlgorithm: null }))],
    [
      'that is open and writes nothing',
      writable((own) =>
        Object.assign(own, { writeAlgorithm: undefined, closeAlgorithm: undefined, abortAlgorithm: undefined }),
      ),
    ],
    [
      'that says otherwise what is being written',
      writable((_own, outer) => Object.assign(outer, { inFlightWriteRequest: 1 })),
    ],
    ['that says otherwise who writes it', writable((_own, outer) => delete outer['writer'])],
    [
      'that its reader keeps elsewhere',
      () => {
        const reader = new ReadableStream().getReader();
        delete insideOf(reader)['stream'];
        return reader;
      },
    ],
  ])('one %s', async (_kind, make) => {
    const { give, inFlight } = await openOngoing();
    await expect(give(make)).rejects.toMatchObject(refused);
    await inFlight(0);
  });
});

describe('where Node goes by what it had before, every web stream is refused', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  /** As if Node had kept a function when the stream was made. */
  function deaf<T extends object>(stream: T, name: string): T {
    const { controller } = insideOf(stream) as { controller: Record<symbol, Inside> };
    const own = controller[KEY] as Inside;
    const kept = own[name];
    controller[KEY] = new Proxy(own, {
      get: (target, key) => (key === name && target[name] ? kept : target[key as string]),
    });
    return stream;
  }
  test.each([
    ['pullAlgorithm', 'ReadableStream'],
    ['cancelAlgorithm', 'ReadableStream'],
    ['writeAlgorithm', 'WritableStream'],
    ['closeAlgorithm', 'WritableStream'],
    ['abortAlgorithm', 'WritableStream'],
  ] as const)('by its %s of a %s', async (name, type) => {
    const construct = (made: typeof ReadableStream, how: unknown[], by: typeof ReadableStream): object =>
      deaf(Reflect.construct(made, how, by) as object, name);
    vi.stubGlobal(type, new Proxy(globalThis[type] as typeof ReadableStream, { construct }));
    vi.resetModules();
    const unhandled = hearUnhandled();
    const fresh = await import('./open-ongoing.ts');
    const { give, inFlight } = await fresh.openOngoing();
    const kinds: Array<() => object> = [
      () => new ReadableStream(),
      () => new WritableStream(),
      () => new TransformStream(),
    ];
    for (const make of kinds) await expect(give(make)).rejects.toMatchObject(refused);
    await inFlight(0);
    expect(await give(() => 'data')).toBe('data');
    expect(unhandled).toEqual([]);
  });
});

describe('a stream in each of its states is known', () => {
  /** Ends the steps that the test in hand has left under way: closing the switch would wait for them. */
  const ends: Array<() => void> = [];
  const held = (): Promise<void> => new Promise((resolve) => void ends.push(resolve));
  const using = <T extends object>(stream: T, use: (stream: T) => unknown): T => {
    use(stream);
    return stream;
  };
  const quiet = (promise: Promise<unknown>): void => void promise.catch(() => {});
  const written = (sink: UnderlyingSink, use: (writer: WritableStreamDefaultWriter) => void): WritableStream =>
    using(new WritableStream(sink), (stream) => {
      const writer = stream.getWriter();
      quiet(writer.closed);
      quiet(writer.ready);
      use(writer);
    });
  test.each<[string, () => object]>([
    ['closed', () => new ReadableStream({ start: (controller) => controller.close() })],
    ['closed, and not yet read', () => new ReadableStream({ start: (c) => (c.enqueue(1), c.close()) })],
    ['failed', () => new ReadableStream({ start: (controller) => controller.error(new Error('its own')) })],
    ['cancelled', () => using(new ReadableStream(), (stream) => quiet(stream.cancel()))],
    ['being cancelled', () => using(new ReadableStream({ cancel: held }), (stream) => quiet(stream.cancel()))],
    ['teed', () => using(new ReadableStream(), (stream) => stream.tee())],
    ['of bytes', () => new ReadableStream({ type: 'bytes' })],
    ['of bytes, and closed', () => new ReadableStream({ type: 'bytes', start: (controller) => controller.close() })],
    ['whose reader has let go', () => using(new ReadableStream().getReader(), (reader) => reader.releaseLock())],
    ['written, and closed', () => written({}, (writer) => quiet(writer.close()))],
    ['being closed', () => written({ close: held }, (writer) => quiet(writer.close()))],
    [
      'written, and failed',
      () => written({ write: () => Promise.reject(new Error('its own')) }, (writer) => quiet(writer.write(1))),
    ],
    ['aborted', () => written({}, (writer) => quiet(writer.abort()))],
    ['being aborted', () => written({ abort: held }, (writer) => quiet(writer.abort()))],
    [
      'aborted while a piece is written',
      () =>
        written({ write: held }, (writer) => {
          quiet(writer.write(1));
          setImmediate(() => quiet(writer.abort()));
        }),
    ],
    ['whose writer has let go', () => using(new WritableStream().getWriter(), (writer) => writer.releaseLock())],
    ['a transformation that has ended', () => new TransformStream({ start: (controller) => controller.terminate() })],
  ])('%s', async (_state, make) => {
    const { give } = await openOngoing();
    const now = make();
    expect(await give(() => now)).toBe(now);
    const later = make();
    await sleep(5);
    expect(await give(() => later)).toBe(later);
    for (const end of ends.splice(0)) end();
  });
});

describe('a source that gives no promise', () => {
  test('is asked as before, and what it throws ends the stream', async () => {
    const { give, inFlight } = await openOngoing();
    let asked = 0;
    const pull = (controller: ReadableStreamDefaultController): unknown => {
      asked += 1;
      if (asked === 3) throw new Error('its own');
      controller.enqueue(asked);
      // oxlint-disable-next-line unicorn/no-thenable -- it may give one of any kind
      return asked === 1 ? Symbol('its own') : { then: (then: () => void) => then() };
    };
    const reader = (await give(() => new ReadableStream({ pull: pull as never }, { highWaterMark: 0 }))).getReader();
    expect(await reader.read()).toMatchObject({ value: 1 });
    expect(await reader.read()).toMatchObject({ value: 2 });
    await inFlight(1);
    await expect(reader.read()).rejects.toThrow('its own');
    await inFlight(0);
  });

  test('the same for a writable stream', async () => {
    const { give, inFlight } = await openOngoing();
    const write = (piece: unknown): unknown => {
      if (piece === 2) throw new Error('its own');
      return Symbol('its own');
    };
    const writer = (await give(() => new WritableStream({ write: write as never }))).getWriter();
    writer.closed.catch(() => {});
    await writer.write(1);
    await inFlight(1);
    await expect(writer.write(2)).rejects.toThrow('its own');
    await inFlight(0);
  });
});

test.each([
  ['gives something', 'resolve'],
  ['fails', 'reject'],
] as const)(
  'a step of an iterable is under way until it is over, also when the stream was cancelled meanwhile and it %s then',
  async (_how, how) => {
    const { give, control, inFlight } = await openOngoing();
    const unhandled = hearUnhandled();
    const begun: Array<{ resolve: (it: unknown) => void; reject: (error: Error) => void }> = [];
    const iterator = {
      next: () => new Promise((resolve, reject) => void begun.push({ resolve, reject })),
      return: async () => ({ done: true, value: undefined }),
    };
    const stream = await give(() => ReadableStream.from({ [Symbol.asyncIterator]: () => iterator as never }));
    const reader = stream.getReader();
    const first = reader.read();
    await vi.waitFor(() => expect(begun).toHaveLength(1));
    begun[0]?.resolve({ done: false, value: 1 });
    expect(await first).toMatchObject({ value: 1 });
    const second = reader.read();
    await vi.waitFor(() => expect(begun).toHaveLength(2));
    await reader.cancel();
    expect(await second).toMatchObject({ done: true });
    const killed = await control.kill({ target: 'agent:x', waitMs: 5000 });
    expect(killed.acknowledgements.executors).toMatchObject([{ state: 'draining', in_flight: 1 }]);
    begun[1]?.[how](how === 'resolve' ? ({ done: false, value: 2 } as never) : (new Error('its own') as never));
    await inFlight(0);
    expect(begun).toHaveLength(2);
    expect(unhandled).toEqual([]);
  },
);

test('a step of an iterable that fails after a stop is waited for', async () => {
  const { give, control, inFlight } = await openOngoing();
  const unhandled = hearUnhandled();
  let fail = (_error: Error): void => {};
  const iterator = {
    next: () =>
      new Promise<never>((_resolve, reject) => {
        fail = reject;
      }),
  };
  const stream = await give(() => ReadableStream.from({ [Symbol.asyncIterator]: () => iterator }));
  const read = stream.getReader().read();
  read.catch(() => {});
  await sleep(5);
  const killed = await control.kill({ target: 'agent:x', waitMs: 5000 });
  expect(killed.acknowledgements.executors).toMatchObject([{ state: 'draining', in_flight: 1 }]);
  fail(new Error('its own'));
  await inFlight(0);
  await expect(read).rejects.toThrow();
  expect(unhandled).toEqual([]);
});
