import { AsyncLocalStorage } from 'node:async_hooks';
import { Duplex, PassThrough, pipeline, Readable, Transform, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { parseLineage } from '../../guard/identity.ts';
import type { KillSwitch } from '../../index.ts';
import { openOngoing } from './open-ongoing.ts';
import { stores } from './real-sides.ts';
import { openMemorySwitch } from './open-switch.ts';

type Act = () => Promise<void>;

/** An action that any code may call, and as whom it ran. */
function whoActs(killSwitch: KillSwitch) {
  const work = killSwitch.action({ name: 'work.do', execute: (_piece: number) => sleep(1) });
  const who: Array<string | undefined> = [];
  let pieces = 0; // each piece of work is another one: the same again and again would be a loop
  const act: Act = async () => void who.push((await work.attempt((pieces += 1))).decision.agentId);
  return { act, who };
}

const PIECES = 40;
async function* acting(act: Act) {
  for (let piece = 0; piece < PIECES; piece += 1) {
    await act();
    yield `${piece}`;
  }
}

async function* failing(act: Act) {
  yield 'piece';
  await act();
  throw new Error('no');
}

/** What an action returns, whose steps act; and how it is used by somebody whose own code acts, too. */
interface Shape {
  readonly give: (act: Act) => object;
  readonly use: (given: never, act: Act) => Promise<unknown>;
}

const shape = <T extends object>(give: (act: Act) => T, use: (given: T, act: Act) => Promise<unknown>): Shape => ({
  give,
  use,
});

async function iterate(given: AsyncIterable<unknown> | Iterable<unknown>, act: Act): Promise<void> {
  for await (const piece of given) {
    void piece;
    await act();
  }
}

const actingPull = (act: Act): ReadableStream<string> => {
  const source = acting(act);
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await source.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    },
    { highWaterMark: 0 },
  );
};
/** Acts, and then calls back what a stream waits for. */
const actThen = (act: Act, callback: (error?: Error | null) => void, error: Error | null = null): void =>
  void act().finally(() => callback(error));
const actingWrite = (act: Act) =>
  new Writable({ write: (_piece, _encoding, done) => actThen(act, done), final: (done) => actThen(act, done) });
const actingSink = (act: Act) => new WritableStream({ write: act, close: act, abort: act });
const actingTransform = (act: Act) =>
  new Transform({
    highWaterMark: 1,
    transform(piece, _encoding, done) {
      actThen(act, () => {
        this.push(piece);
        done();
      });
    },
    flush: (done) => actThen(act, done),
  });
const ends = (stream: Readable | Writable): Promise<void> => finished(stream);
const listen = async (stream: Readable, act: Act): Promise<void> => {
  const acts: Array<Promise<void>> = [];
  stream.on('data', () => acts.push(act())).on('end', () => acts.push(act()));
  await ends(stream);
  await Promise.all(acts);
};
const failed = async (stream: Readable | Writable, act: Act): Promise<void> => {
  const acts: Array<Promise<void>> = [];
  stream.on('error', () => acts.push(act()));
  const closed = new Promise((resolve) => void stream.on('close', () => resolve(act())));
  if (stream instanceof Readable) stream.resume();
  await closed;
  await Promise.all(acts);
};
const writeAll = async (stream: Writable, act: Act): Promise<void> => {
  const acts: Array<Promise<void>> = [];
  for (let piece = 0; piece < PIECES; piece += 1) stream.write('piece', () => acts.push(act()));
  stream.on('drain', () => acts.push(act()));
  stream.end(() => acts.push(act()));
  await ends(stream);
  await Promise.all(acts);
};

const SHAPES: Record<string, Shape> = {
  'an async generator': shape(acting, iterate),
  'the end of a generator': shape(
    (act) =>
      (async function* () {
        try {
          yield 1;
        } finally {
          await act();
        }
      })(),
    async (given, act) => {
      await given.next();
      await given.return();
      await act();
    },
  ),
  'an error that is thrown into a generator': shape(
    (act) =>
      (async function* () {
        try {
          yield 1;
        } catch {
          await act();
        }
      })(),
    async (given, act) => {
      await given.next();
      await given.throw(new Error('no'));
      await act();
    },
  ),
  'a generator that is not async': shape(function* (act) {
    yield act();
    yield act();
  }, iterate),
  'an async iterable': shape((act) => ({ [Symbol.asyncIterator]: () => acting(act) }), iterate),
  'an iterable': shape(
    (act) => ({
      *[Symbol.iterator]() {
        yield act();
      },
    }),
    iterate,
  ),
  'a page with next()': shape(
    (act) => ({ next: act, rows: [] }),
    async (given, act) => {
      await given.next();
      await act();
    },
  ),
  'a member': shape(
    (act) => ({ rows: [acting(act)] }),
    async ({ rows }, act) => iterate(rows[0] ?? [], act),
  ),
  'what a step gives': shape(
    async function* (act) {
      yield { rows: acting(act) };
    },
    async (given, act) => {
      for await (const { rows } of given) await iterate(rows, act);
    },
  ),
  'a Readable, iterated': shape((act) => Readable.from(acting(act)), iterate),
  'a Readable, listened to': shape((act) => Readable.from(acting(act)), listen),
  'a Readable, piped': shape(
    (act) => Readable.from(acting(act)),
    (given, act) => ends(given.pipe(actingWrite(act))),
  ),
  'a Readable that is destroyed': shape(
    (act) => new Readable({ read() {}, destroy: (error, done) => actThen(act, done, error) }),
    async (given, act) => {
      const closed = new Promise<void>((resolve) => given.on('close', () => resolve(act())));
      given.destroy();
      await closed;
    },
  ),
  'a Readable that fails': shape((act) => Readable.from(failing(act)), failed),
  'a Transform that fails': shape(
    (act) =>
      new Transform({
        transform() {
          actThen(act, () => this.destroy(new Error('no')));
        },
      }),
    (given, act) => {
      given.write('piece');
      return failed(given, act);
    },
  ),
  'what the action pipes': shape(
    (act) => Readable.from(acting(act)).pipe(new PassThrough({ objectMode: true, highWaterMark: 1 })),
    listen,
  ),
  'a pipeline in the action': shape(
    (act) => pipeline(acting(act), new PassThrough({ objectMode: true, highWaterMark: 1 }), () => {}) as PassThrough,
    iterate,
  ),
  'a Writable': shape(actingWrite, writeAll),
  'a Writable, piped into': shape(actingWrite, (given, act) => ends(Readable.from(acting(act)).pipe(given))),
  'a Transform': shape(actingTransform, async (given, act) => {
    await Promise.all([listen(given, act), writeAll(given, act)]);
  }),
  'a Transform, piped through': shape(actingTransform, (given, act) =>
    ends(Readable.from(acting(act)).pipe(given).pipe(actingWrite(act))),
  ),
  'a Duplex': shape(
    (act) => Duplex.from({ readable: Readable.from(acting(act)), writable: actingWrite(act) }),
    async (given, act) => {
      await Promise.all([writeAll(given, act), iterate(given, act)]);
    },
  ),
  'a web stream': shape(actingPull, iterate),
  'a web stream that is cancelled': shape(
    (act) => new ReadableStream({ cancel: act }),
    async (given, act) => {
      await given.cancel();
      await act();
    },
  ),
  'a web stream, piped': shape(actingPull, (given, act) => given.pipeTo(actingSink(act))),
  'a web stream of bytes, piped': shape(
    (act) => {
      let left = 3;
      return new ReadableStream({
        type: 'bytes',
        autoAllocateChunkSize: 8,
        async pull(controller) {
          await act();
          left -= 1;
          controller.byobRequest?.respond(1);
          if (left === 0) controller.close();
        },
      });
    },
    (given, act) => given.pipeTo(actingSink(act)),
  ),
  'a web stream, piped through': shape(actingPull, (given, act) =>
    given
      .pipeThrough(new TransformStream({ transform: (piece, to) => act().then(() => to.enqueue(piece)) }))
      .pipeTo(actingSink(act)),
  ),
  'branches of a web stream': shape(actingPull, async (given, act) => {
    await Promise.all(given.tee().map((branch) => branch.pipeTo(actingSink(act))));
  }),
  'a web stream that the action pipes': shape(
    (act) => actingPull(act).pipeThrough(new TransformStream()),
    (given, act) => given.pipeTo(actingSink(act)),
  ),
  'a web stream that is written': shape(actingSink, async (given, act) => {
    const writer = given.getWriter();
    for (let piece = 0; piece < PIECES; piece += 1) await writer.write(piece).then(act);
    await writer.close();
  }),
  'a web stream that is aborted': shape(actingSink, async (given, act) => {
    await given.abort();
    await act();
  }),
  'a web stream, piped into': shape(actingSink, (given, act) => actingPull(act).pipeTo(given)),
  'a transformation': shape(
    (act) =>
      new TransformStream<string, string>({
        transform: (piece, to) => act().then(() => to.enqueue(piece)),
        flush: act,
      }),
    (given, act) => actingPull(act).pipeThrough(given).pipeTo(actingSink(act)),
  ),
};

describe('a step of a result runs as the run whose action returned it, and calls back as the code that asked for it', () => {
  test.each(Object.entries(SHAPES))('%s', async (_name, { give, use }) => {
    const { killSwitch } = await openOngoing();
    const [maker, user] = [
      whoActs(killSwitch),
      killSwitch.action({ name: 'work.use', execute: (_piece: number) => sleep(1) }),
    ];
    const used: Array<string | undefined> = [];
    const actAsUser: Act = async () => void used.push((await user.attempt(used.length)).decision.agentId);
    const action = killSwitch.action({ name: 'work.give', execute: async (_input: null) => give(maker.act) });
    const given = (): Promise<object> => killSwitch.run({ agentId: 'a' }, () => action(null));
    const places: Array<[string, (work: (it: object) => Promise<unknown>) => Promise<unknown>]> = [
      ['b', (work) => given().then((it) => killSwitch.run({ agentId: 'b' }, () => work(it)))],
      ['boss', (work) => killSwitch.run({ agentId: 'boss' }, async () => work(await given()))],
      ['x', async (work) => work(await given())],
    ];
    for (const [place, within] of places) {
      maker.who.length = 0;
      used.length = 0;
      await within((it) => use(it as never, actAsUser));
      expect(new Set(maker.who), `given by a, used by ${place}`).toEqual(new Set(['a']));
      expect(new Set(used), `used by ${place}`).toEqual(new Set([place]));
    }
  });

  test('a result returned outside every run runs as the switch’s own agent', async () => {
    const { killSwitch } = await openOngoing();
    const { act, who } = whoActs(killSwitch);
    const action = killSwitch.action({ name: 'work.give', execute: () => acting(act) });
    const given = await action(undefined);
    await killSwitch.run({ agentId: 'b' }, () => iterate(given, act));
    expect(new Set(who.filter((_agent, at) => at % 2 === 0))).toEqual(new Set(['x']));
    expect(new Set(who.filter((_agent, at) => at % 2 === 1))).toEqual(new Set(['b']));
  });

  test('a run that a step opens is a child of the run whose action returned the result', async () => {
    const { killSwitch } = await openOngoing();
    const action = killSwitch.action({
      name: 'work.give',
      execute: async function* () {
        yield await killSwitch.run({ missionId: 'm' }, (run) => run.lineage);
      },
    });
    const given = await killSwitch.run({ agentId: 'a', runId: 'a-1' }, () => action(undefined));
    const { value } = await killSwitch.run({ agentId: 'b' }, () => given.next());
    expect(parseLineage(String(value))).toMatchObject({
      lineageAgents: ['x', 'a'],
      lineageRuns: ['a-1', expect.anything()],
    });
  });

  test('handed on through another switch it runs as the run that returned it in each', async () => {
    const inner = await openOngoing();
    const outer = await openMemorySwitch({ agentId: 'outer' });
    const [mine, other] = [whoActs(inner.killSwitch), whoActs(outer.killSwitch)];
    const both: Act = async () => void (await Promise.all([mine.act(), other.act()]));
    const kinds = { generator: (): AsyncIterable<string> => acting(both), stream: () => Readable.from(acting(both)) };
    for (const [kind, make] of Object.entries(kinds)) {
      const give = inner.killSwitch.action({ name: `inner.${kind}`, execute: () => make() });
      const hand = outer.killSwitch.action({
        name: `outer.${kind}`,
        execute: () => inner.killSwitch.run({ agentId: 'a' }, () => give(undefined)),
      });
      const given = await outer.killSwitch.run({ agentId: 'o' }, () => hand(undefined));
      await outer.killSwitch.run({ agentId: 'b' }, () => iterate(given, async () => {}));
    }
    expect(new Set(mine.who)).toEqual(new Set(['a']));
    expect(new Set(other.who)).toEqual(new Set(['o']));
  });

  test('the app’s own context stays that of whoever asks', async () => {
    const { killSwitch } = await openOngoing();
    const traces = new AsyncLocalStorage<string>();
    const action = killSwitch.action({
      name: 'work.give',
      execute: async function* () {
        yield traces.getStore();
      },
    });
    const given = await traces.run('maker', () => killSwitch.run({ agentId: 'a' }, () => action(undefined)));
    expect(await traces.run('reader', () => given.next())).toMatchObject({ value: 'reader' });
  });
});

describe.each(stores)(
  'what a killed agent gave starts nothing in the name of whoever uses it, on %s',
  (_name, open) => {
    const places = ['b', 'boss', 'nobody'] as const;
    test.each(places)('used by %s', async (place) => {
      const { killSwitch, control } = await openOngoing(await open());
      const started: number[] = [];
      const pay = killSwitch.action({
        name: 'payments.payout',
        irreversible: true,
        execute: async () => {
          started.push(performance.now());
          await sleep(20);
        },
      });
      const campaign = killSwitch.action({
        name: 'payments.campaign',
        execute: async function* () {
          for (;;) {
            for (let payout = 0; payout < 50; payout += 1) await pay.attempt(undefined);
            yield 1;
          }
        },
      });
      const given = (): Promise<AsyncIterable<number>> => killSwitch.run({ agentId: 'a' }, () => campaign(undefined));
      const eat = (it: AsyncIterable<number>) => iterate(it, async () => {});
      const eaten =
        place === 'boss'
          ? killSwitch.run({ agentId: 'boss' }, async () => eat(await given()))
          : place === 'b'
            ? given().then((it) => killSwitch.run({ agentId: 'b' }, () => eat(it)))
            : given().then(eat);
      const end = eaten.catch((error: unknown) => error);
      await vi.waitFor(() => expect(started.length).toBeGreaterThan(2), 5000);
      await control.kill({ target: 'agent:a' });
      const killed = performance.now();
      expect(await end).toMatchObject({ code: 'ABORTED', decision: { cause: { target: 'agent:a' } } });
      expect(started.filter((at) => at > killed)).toEqual([]);
    });
  },
);
