import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { InMemoryProvider } from '@openfeature/server-sdk';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { MODES } from '../../flags/index.ts';
import { createKillSwitch } from '../../index.ts';
import { openControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';
import { openOngoing } from './open-ongoing.ts';
import { stores } from './real-sides.ts';
import { closeAfterwards, openMemorySwitch } from './open-switch.ts';

const served = (mode: string) => ({
  'kill-switch.mode': {
    variants: Object.fromEntries(MODES.map((name) => [name, name])),
    defaultVariant: mode,
    disabled: false,
  },
});

/** One step takes a little time, and is an effect. */
async function* steps(taken: () => void): AsyncGenerator<number> {
  for (let n = 1; ; n += 1) {
    await sleep(20);
    taken();
    yield n;
  }
}

async function* counting(pieces: number): AsyncGenerator<number> {
  for (let n = 1; n <= pieces; n += 1) {
    await sleep(5);
    yield n;
  }
}

/** As the events of an emitter: return() ends the step that waits. */
function waiting(_pieces: number): AsyncIterableIterator<number> {
  const waits: Array<(end: IteratorReturnResult<undefined>) => void> = [];
  let isOver = false;
  const end = { done: true, value: undefined } as const;
  return {
    next: async () => (isOver ? end : new Promise((resolve) => waits.push(resolve))),
    async return() {
      isOver = true;
      for (const wake of waits) wake(end);
      return end;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

type Taken = () => void;
interface Shape {
  readonly make: (taken: Taken) => unknown;
  readonly use: (result: never) => Promise<unknown>;
}
const shape = <T>(make: (taken: Taken) => T, use: (result: T) => Promise<unknown>): Shape => ({ make, use });

const drain = async (source: AsyncIterable<unknown>): Promise<void> => {
  const iterator = source[Symbol.asyncIterator]();
  while (!(await iterator.next()).done);
};
const iterable = (taken: Taken) => ({ [Symbol.asyncIterator]: () => steps(taken) });
const iterator = (taken: Taken) => {
  const source = steps(taken);
  return {
    next: () => source.next(),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
};
const key = Symbol('pages');

type Asked = Pick<AsyncIterator<number>, 'next'>;

/** Each holds something that goes on, where it is easily overlooked. */
const SHAPES: Readonly<Record<string, Shape>> = {
  'an async iterable as a member': shape(
    (taken) => ({ total: 3, pages: iterable(taken) }),
    ({ pages }) => drain(pages),
  ),
  'an async iterator as a member': shape(
    (taken) => ({ pages: iterator(taken) }),
    ({ pages }) => drain(pages),
  ),
  'an async iterator in an array': shape(
    (taken) => [iterator(taken)],
    ([first]) => drain(first as AsyncIterable<unknown>),
  ),
  'a generator under a symbol': shape(
    (taken) => ({ [key]: steps(taken) }),
    (result) => drain(result[key]),
  ),
  'a generator in a frozen object': shape(
    (taken) => Object.freeze({ pages: steps(taken) }),
    ({ pages }) => drain(pages),
  ),
  'a generator that a promise gives': shape(
    (taken) => ({ pages: Promise.resolve(steps(taken)) }),
    async ({ pages }) => drain(await pages),
  ),
  'a stream that a promise gives': shape(
    (taken) => ({ body: Promise.resolve(Readable.from(steps(taken), { highWaterMark: 1 })) }),
    async ({ body }) => drain(await body),
  ),
  'a generator that a promise of another class gives': shape(
    (taken) => ({ pages: class Pages<T> extends Promise<T> {}.resolve(steps(taken)) }),
    async ({ pages }) => drain(await pages),
  ),
  'a generator that a generator gives': shape(
    (taken) =>
      (async function* () {
        yield { pages: steps(taken) };
      })(),
    async (result) => {
      for await (const { pages } of result) await drain(pages);
    },
  ),
  'a generator that a synchronous one gives': shape(
    (taken) =>
      (function* () {
        yield steps(taken);
      })(),
    async (result) => {
      for (const pages of result) await drain(pages);
    },
  ),
  'a function with an async iterator': shape(
    (taken) => Object.assign(() => 1, iterable(taken)),
    (result) => drain(result),
  ),
  'an object with a next()': shape(
    (taken) => {
      const source = steps(taken);
      return { next: () => source.next() };
    },
    async (result) => {
      while (!(await result.next()).done);
    },
  ),
  'an object with a synchronous iterator': shape(
    (taken) => ({
      *[Symbol.iterator]() {
        for (;;) yield taken();
      },
    }),
    async (result) => {
      const iterator = result[Symbol.iterator]();
      while (!iterator.next().done) await sleep(20);
    },
  ),
};

describe.each(stores)('iterators, on %s', (_name, open) => {
  test('whatever shape it hides in, nothing of a result acts after a kill', async () => {
    const { killSwitch, kill } = await openOngoing(await open());
    const counts = new Map(Object.keys(SHAPES).map((name) => [name, 0]));
    const ends: Array<Promise<unknown>> = [];
    for (const [name, { make, use }] of Object.entries(SHAPES)) {
      const taken = (): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
      const action = killSwitch.action({ name: `shape.n${ends.length}`, execute: (_input: null) => make(taken) });
      const result = await action(null);
      ends.push(
        use(result as never).then(
          () => 'ended',
          (error: { code?: string }) => `${name}: ${error.code}`,
        ),
      );
    }
    await vi.waitFor(() => expect(Math.min(...counts.values())).toBeGreaterThan(0), 5000);
    const { acknowledgements } = await kill();
    expect(acknowledgements.executors).toMatchObject([{ state: 'stopped', in_flight: 0 }]);
    const atKill = [...counts];
    expect(await Promise.all(ends)).toEqual(Object.keys(SHAPES).map((name) => `${name}: ABORTED`));
    await sleep(100);
    expect([...counts]).toEqual(atKill);
  });

  test.each([
    ['of a generator', 'full_stop', <T>(source: T): T => source],
    ['of a generator', 'paused', <T>(source: T): T => source],
    // It cannot be told whether it could wait, so in a pause it is refused.
    ['of an object with a next()', 'full_stop', ({ next }: Asked): Asked => ({ next })],
    ['of an object with a next()', 'paused', ({ next }: Asked): Asked => ({ next })],
  ] as const)('steps %s that were asked for ahead do not begin after %s', async (kind, mode, make) => {
    const { killSwitch, control, heard } = await openOngoing(await open());
    let [begun, ended] = [0, 0];
    const action = killSwitch.action({
      name: 'mail.batch',
      execute: (_input: null): Asked => {
        const source = (async function* () {
          for (;;) {
            begun += 1;
            await sleep(50);
            ended += 1;
            yield ended;
          }
        })();
        return (make as (source: Asked) => Asked)(Object.assign(source, { next: source.next.bind(source) }));
      },
    });
    const result = await action(null);
    const asked = Array.from({ length: 40 }, () => result.next().catch((error: { code: string }) => error.code));
    await asked[1];
    const { acknowledgements } = await control.kill({ target: 'agent:x', mode, waitMs: 3000 });
    expect(acknowledgements.executors).toMatchObject([{ state: 'stopped', draining: 0 }]);
    expect(begun).toBe(ended);
    const atKill = ended;
    expect(atKill).toBeLessThan(20);
    await heard(mode);
    await sleep(200);
    expect(begun).toBe(atKill);
    if (mode === 'paused' && kind === 'of a generator') {
      await control.revive({ target: 'agent:x', reason: 'go on' });
      expect((await Promise.all(asked)).at(-1)).toEqual({ value: 40, done: false });
    } else {
      const code = mode === 'paused' ? 'PAUSED' : 'ABORTED';
      expect((await Promise.all(asked)).filter((got) => got === code)).toHaveLength(40 - atKill);
    }
  });

  test('a list that is iterated a second time is in flight again', async () => {
    const { killSwitch, control, inFlight } = await openOngoing(await open());
    let signal: AbortSignal | undefined;
    let landed = 0;
    let finish = (): void => {};
    class List {
      async *[Symbol.asyncIterator]() {
        yield 1;
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        landed += 1;
        yield 2;
      }
    }
    const action = killSwitch.action({
      name: 'orders.list',
      execute: (_input: null, context) => {
        signal = context.signal;
        return new List();
      },
    });
    const list = await action(null);
    for await (const row of list) if (row === 1) break;
    await inFlight(0);
    const again = list[Symbol.asyncIterator]();
    await again.next();
    const slow = again.next();
    await inFlight(1);
    const killed = await control.kill({ target: 'agent:x', waitMs: 500 });
    expect(killed.acknowledgements.executors).toMatchObject([{ state: 'draining', in_flight: 1, draining: 1 }]);
    expect(signal?.aborted).toBe(true);
    finish();
    await slow;
    await inFlight(0);
    await expect(again.next()).rejects.toMatchObject({ code: 'ABORTED' });
    expect(() => list[Symbol.asyncIterator]()).toThrow(expect.objectContaining({ code: 'ABORTED' }));
    expect(landed).toBe(1);
  });

  test.each([
    ['without return()', {}],
    ['whose return() does not wait for it', { return: async () => ({ done: true, value: undefined }) as const }],
  ])('a step of an iterator %s is waited for', async (_kind, more) => {
    const { killSwitch, control, inFlight } = await openOngoing(await open());
    let finish = (): void => {};
    const action = killSwitch.action({
      name: 'mail.slow',
      execute: (_input: null): AsyncIterableIterator<number> => ({
        next: () =>
          new Promise((resolve) => {
            finish = () => resolve({ value: 1, done: false });
          }),
        [Symbol.asyncIterator]() {
          return this;
        },
        ...more,
      }),
    });
    const result = await action(null);
    const step = result.next();
    await inFlight(1);
    const killed = await control.kill({ target: 'agent:x', waitMs: 500 });
    expect(killed.acknowledgements.executors).toMatchObject([{ state: 'draining', in_flight: 1, draining: 1 }]);
    finish();
    await step;
    await inFlight(0);
    await expect(result.next()).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('an iterator or a promise', () => {
  test('of another kind is still what it was', async () => {
    const { killSwitch } = await openMemorySwitch({ agentId: 'x' });
    let next: unknown;
    const action = killSwitch.action({ name: 'odd.result', execute: (_input: null): unknown => next });
    const give = async <T>(given: T): Promise<T> => {
      next = given;
      return (await action(null)) as T;
    };

    const frozen = await give(
      Object.freeze({
        name: 'orders',
        async *[Symbol.asyncIterator]() {
          yield 1;
        },
      }),
    );
    expect([frozen.name, Object.keys(frozen)]).toEqual(['orders', ['name']]);
    for await (const row of frozen) expect(row).toBe(1);

    const own = Promise.resolve(1);
    // oxlint-disable-next-line unicorn/no-thenable -- that is what is tested
    own.then = () => undefined as never;
    next = own;
    expect(await action.attempt(null)).toMatchObject({ status: 'executed', result: 1 });
    expect(await (await give({ own })).own).toBe(1);

    class Answer<T> extends Promise<T> {
      readonly id = 7;
      raw(): string {
        return 'unseen';
      }
    }
    const { answer } = await give({ answer: Answer.resolve({ text: 'hello' }) });
    expect([answer instanceof Promise, (answer as Answer<unknown>).id, await answer.finally(() => {})]).toEqual([
      true,
      7,
      { text: 'hello' },
    ]);
    expect(() => (answer as Answer<unknown>).raw()).toThrow(/raw\(\) could act unchecked: await it/);

    // A cursor has a next() of its own, which is none of an iterator's.
    const docs = [{ _id: 1 }, { _id: 2 }];
    class Cursor {
      readonly #left = [...docs];
      async next(): Promise<unknown> {
        return this.#left.shift() ?? null;
      }
      async *[Symbol.asyncIterator]() {
        for (let doc = await this.next(); doc; doc = await this.next()) yield doc;
      }
    }
    const seen: unknown[] = [];
    for await (const doc of await give(new Cursor())) seen.push(doc);
    expect(seen).toEqual(docs);
    const cursor = await give(new Cursor());
    expect([await cursor.next(), await cursor.next(), await cursor.next()]).toEqual([...docs, null]);
  });

  test('that was broken off and goes on is in flight again', async () => {
    const { killSwitch, kill, inFlight } = await openOngoing();
    let sent = 0;
    const action = killSwitch.action({
      name: 'mail.queue',
      execute: (_input: null): AsyncIterableIterator<number> => ({
        next: async () => ({ value: (sent += 1), done: false }),
        [Symbol.asyncIterator]() {
          return this;
        },
      }),
    });
    const queue = await action(null);
    for await (const row of queue) if (row === 1) break;
    await inFlight(0);
    await queue.next();
    await inFlight(1);
    await kill();
    await inFlight(0);
    await expect(queue.next()).rejects.toMatchObject({ code: 'ABORTED' });
    expect(sent).toBe(2);
  });

  test('that comes after the kill is ended', async () => {
    const { killSwitch, kill, inFlight } = await openOngoing();
    let resolve = (_stream: Readable): void => {};
    const action = killSwitch.action({
      name: 'chat.ask',
      execute: (_input: null) => ({
        body: new Promise<Readable>((taken) => {
          resolve = taken;
        }),
      }),
    });
    const { body } = await action(null);
    await inFlight(1);
    const killing = kill();
    await vi.waitFor(() => expect(killSwitch.check().mode).toBe('full_stop'));
    const stream = new Readable({ read() {} });
    resolve(stream);
    await expect(body).rejects.toMatchObject({ code: 'ABORTED' });
    expect(stream.destroyed).toBe(true);
    await killing;
    await inFlight(0);
  });

  test('that is refused inside leaves nothing in flight', async () => {
    const { killSwitch, inFlight } = await openOngoing();
    let lateTimer = false;
    const action = killSwitch.action({
      name: 'odd.inner',
      execute: async function* (_input: null) {
        yield [
          steps(() => {}),
          setTimeout(() => {
            lateTimer = true;
          }, 50),
        ];
      },
    });
    const result = await action(null);
    await expect(result.next()).rejects.toMatchObject({ code: 'RESULT_GOES_ON' });
    await inFlight(0);
    await sleep(100);
    expect(lateTimer).toBe(false);
  });

  test.each<[string, (pieces: number) => AsyncIterable<number>, boolean]>([
    ['a generator', (pieces) => counting(pieces), true],
    [
      'what gives a generator when it is iterated',
      (pieces) => ({ [Symbol.asyncIterator]: () => counting(pieces) }),
      true,
    ],
    // By which it could end a step that waits for ever.
    ['what is no generator', (pieces) => waiting(pieces), false],
  ])(
    'that is %s is ended in the order of the language, however far ahead it is asked',
    async (_kind, make, inOrder) => {
      const { killSwitch, inFlight } = await openOngoing();
      const action = killSwitch.action({ name: 'rows.read', execute: async (_input: null) => make(5) });
      const ask = async (source: AsyncIterable<number>): Promise<unknown> => {
        const rows = source[Symbol.asyncIterator]();
        return Promise.all([rows.next(), rows.next(), rows.return?.('end'), rows.next()]);
      };
      const [asked, plain] = await Promise.all([ask(await action(null)), ask(make(5))]);
      if (inOrder) expect(asked).toEqual(plain);
      else expect(asked).toMatchObject([{ done: true }, { done: true }, { done: true }, { done: true }]);
      await inFlight(0);
    },
  );
});

describe('a loop of steps', () => {
  test.each([
    ['a file', async () => ({ url: `file:${join(temporaryFolder('busy-steps').path, 'switch')}` })],
    ...(hasRedis ? ([['Redis', () => startRedis()]] as const) : []),
  ] as const)('that touches no I/O hears of a kill, on %s', async (_name, place) => {
    const { url } = await place();
    const controlStore = url.startsWith('file:')
      ? fileControlStore({ directory: url.slice('file:'.length) })
      : redisControlStore({ url });
    const control = await openControlPlane({ store: controlStore, operator: { id: 'ann' } });
    closeAfterwards(control);
    await control.init();
    await control.setMode({ mode: 'live', reason: 'test' });
    const child = fork(join(import.meta.dirname, 'busy-steps.mjs'), [JSON.stringify({ url })]);
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child, 'message');
    const told = once(child, 'message');
    const { acknowledgements } = await control.kill({ target: 'agent:x', waitMs: 10_000 });
    expect(acknowledgements.executors).toMatchObject([{ state: 'stopped', in_flight: 0 }]);
    // By the kill, and not by a lease that ended because nothing could be heard.
    expect((await told)[0]).toMatchObject({ code: 'ABORTED', cause: 'kill', taken: expect.any(Number) });
  });

  test('over a provider alone goes by what was read last for as long as a lease, and then by a new answer', async () => {
    const provider = new InMemoryProvider(served('live'));
    const domain = `steps-${Math.random()}`;
    const killSwitch = await createKillSwitch({ provider, domain, leaseMs: 500, agentId: 'x' });
    closeAfterwards(killSwitch);
    let taken = 0;
    const action = killSwitch.action({
      name: 'mail.steps',
      execute: function* (_input: null) {
        for (;;) yield (taken += 1);
      },
    });
    const steps = await action(null);
    const loop = (): void => {
      const until = performance.now() + 10_000;
      while (performance.now() < until) steps.next();
    };
    expect(loop).toThrow(
      expect.objectContaining({
        code: 'PAUSED',
        decision: expect.objectContaining({ cause: { kind: 'fault', code: 'STALE', message: expect.any(String) } }),
      }),
    );
    const before = taken;
    await vi.waitFor(() => steps.next(), 5000); // asked for anew meanwhile
    expect(taken).toBe(before + 1);
    provider.putConfiguration(served('full_stop'));
    await vi.waitFor(() => expect(() => steps.next()).toThrow(expect.objectContaining({ code: 'ABORTED' })), 5000);
  });
});

describe('a draft', () => {
  test.each([
    ['a generator', (taken: Taken) => steps(taken)],
    ['a timer', (taken: Taken) => setTimeout(taken, 50)],
    ['a promise as a member', (taken: Taken) => ({ text: sleep(50).then(taken) })],
  ])('that is %s is blocked: it would act by a decision that lets nothing act', async (_kind, make) => {
    const { killSwitch } = await openMemorySwitch({ agentId: 'x', mode: 'draft_only' });
    let sent = 0;
    const action = killSwitch.action({
      name: 'mail.send',
      execute: () => 'sent',
      draft: () => make(() => (sent += 1)),
    });
    expect(await action.attempt(undefined)).toMatchObject({
      status: 'blocked',
      decision: { cause: { code: 'HANDLER_FAILED', message: expect.stringContaining('could act after the call') } },
    });
    expect(sent).toBe(0);
  });
});
