import { EventEmitter, on } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { openOngoing } from './open-ongoing.ts';
import { stores } from './real-sides.ts';

type Feed = AsyncIterator<unknown> | Iterator<unknown>;

async function* feedOf(pieces: number) {
  for (let piece = 0; piece < pieces; piece += 1) {
    await sleep(1);
    yield piece;
  }
}

const FEEDS: Record<string, () => Feed> = {
  'an async generator': () => feedOf(1000),
  'a generator': function* () {
    yield 1;
    yield 2;
  },
  'events of an emitter': () => on(new EventEmitter(), 'piece'),
  'an object with next() and return()': () => ({
    next: () => ({ done: false, value: 1 }),
    return: () => ({ done: true, value: undefined }),
  }),
};
async function setUp(...sides: Parameters<typeof openOngoing>) {
  const opened = await openOngoing(...sides);
  const give = opened.killSwitch.action({ name: 'feed.open', execute: (it: object) => it });
  const giveAs = <T extends object>(agentId: string, it: T): Promise<T> =>
    opened.killSwitch.run({ agentId }, () => give(it)) as Promise<T>;
  return { ...opened, give, giveAs };
}

const refusedFor = (agentId: string) => ({
  code: 'RESULT_GOES_ON',
  message: expect.stringMatching(
    new RegExp(`feed\\.open returned .*agent ${agentId}.*a stop of one would end it for both`),
  ),
});

describe.each(stores)('an iterator belongs to one, on %s', (_name, open) => {
  test.each(Object.entries(FEEDS))(
    '%s: another’s call is refused by name, and no kill ends it for whoever goes on',
    async (_kind, make) => {
      const { giveAs, control, inFlight } = await setUp(await open());
      const feed = make();
      const [ended, held] = [vi.spyOn(feed, 'return'), await giveAs('a', feed)];
      await expect(giveAs('b', feed)).rejects.toMatchObject(refusedFor('a'));
      await expect(giveAs('b', held)).rejects.toMatchObject(refusedFor('a'));
      await control.kill({ target: 'agent:b', waitMs: 600_000 });
      expect(ended).not.toHaveBeenCalled();
      await inFlight(1);
      await control.kill({ target: 'agent:a', waitMs: 600_000 });
      await vi.waitFor(() => expect(ended).toHaveBeenCalled(), 5000);
      await inFlight(0);
    },
  );
});

describe('what many calls of the same agent give', () => {
  test.each(Object.entries(FEEDS).slice(0, 3))('%s is one thing in flight, and a kill ends it', async (_kind, make) => {
    const { give, kill, inFlight } = await setUp();
    const feed = make();
    const held = await give(feed);
    for (let call = 1; call < 5000; call += 1) expect(await give(call % 2 === 0 ? feed : held)).toBe(held);
    await inFlight(1);
    await kill();
    await inFlight(0);
    await expect(async () => (held as Feed).next()).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('a copy is as the thing is by then', async () => {
    const { give } = await setUp();
    const page = { rows: [1], next: () => 1, return: () => ({ done: true }) };
    expect(await give(page)).toMatchObject({ rows: [1] });
    page.rows = [2];
    expect(await give(page)).toMatchObject({ rows: [2] });
  });
});

describe('what others have given', () => {
  test('may be handed on upwards, and a kill of whoever began it is no end for those above', async () => {
    const { killSwitch, control, giveAs, inFlight } = await setUp();
    const delegate = killSwitch.action({ name: 'work.delegate', execute: () => giveAs('sub', feedOf(1000)) });
    const iterated = killSwitch.run({ agentId: 'boss' }, async () => {
      for await (const piece of await delegate(undefined)) if (piece === 3) await control.kill({ target: 'agent:sub' });
    });
    await expect(iterated).rejects.toMatchObject({ decision: { cause: { target: 'agent:sub' } } });
    await inFlight(0);
  });

  test('is free for anybody once it has ended', async () => {
    const { giveAs } = await setUp();
    const feed = feedOf(2);
    const held = await giveAs('a', feed);
    await expect(giveAs('b', feed)).rejects.toMatchObject(refusedFor('a'));
    for (let step = 0; step < 3; step += 1) await held.next();
    expect(await (await giveAs('b', feed)).next()).toEqual({ done: true, value: undefined });
  });

  test('makes an iterator of its own each time it is iterated: then each is its own', async () => {
    const { giveAs, control } = await setUp();
    const lists = { [Symbol.asyncIterator]: () => feedOf(3) };
    const [a, b] = [await giveAs('a', lists), await giveAs('b', lists)];
    const mine = b[Symbol.asyncIterator]();
    await a[Symbol.asyncIterator]().next();
    await mine.next();
    await control.kill({ target: 'agent:a', waitMs: 600_000 });
    expect(await mine.next()).toEqual({ done: false, value: 1 });
    await expect(giveAs('b', [1, new Set([2])])).resolves.toBeDefined();
  });

  test('gives the same iterator each time: another’s first step of it is refused', async () => {
    const { giveAs, control, inFlight } = await setUp();
    const feed = feedOf(3);
    const lists = { [Symbol.asyncIterator]: () => feed };
    const held = (await giveAs('a', lists))[Symbol.asyncIterator]();
    await held.next();
    const other = (await giveAs('b', lists))[Symbol.asyncIterator]();
    await expect(other.next()).rejects.toMatchObject(refusedFor('a'));
    await expect(giveAs('b', feed)).rejects.toMatchObject(refusedFor('a'));
    await inFlight(1);
    await control.kill({ target: 'agent:b', waitMs: 600_000 });
    expect(await held.next()).toEqual({ done: false, value: 1 });
  });

  test('has no end that a stop could call: then each goes on by its own decision', async () => {
    const { giveAs, control } = await setUp();
    const feed = { next: async () => ({ done: false, value: 1 }), [Symbol.asyncIterator]: () => feed };
    const [a, b] = [await giveAs('a', feed), await giveAs('b', feed)];
    await control.kill({ target: 'agent:a', waitMs: 600_000 });
    await vi.waitFor(() => expect(a.next()).rejects.toMatchObject({ code: 'ABORTED' }), 5000);
    expect(await b.next()).toEqual({ done: false, value: 1 });
  });

  test('is a promise, which no stop ends: the one who is killed gets the stop, the other what it comes to', async () => {
    const { giveAs, control } = await setUp();
    const shared = sleep(200, 'done');
    const hold = (agentId: string) => giveAs(agentId, { shared });
    const [a, b] = [await hold('a'), await hold('b')];
    await control.kill({ target: 'agent:a' });
    await expect(a.shared).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await b.shared).toBe('done');
  });

  test('is not ended by a draft that gives it, nor by a call that is refused for something else', async () => {
    const { killSwitch, control, heard, inFlight } = await setUp();
    const give = killSwitch.action({ name: 'feed.read', effect: 'read', execute: (it: object) => it });
    const feed = feedOf(3);
    const held = (await give(feed)) as typeof feed;
    await expect(give([feed, setTimeout(() => {}, 5)])).rejects.toMatchObject({ code: 'RESULT_GOES_ON' });
    const drafted = killSwitch.action({ name: 'feed.draft', execute: (_input: null) => 1, draft: () => feed });
    await control.setMode({ mode: 'draft_only', reason: 'test' });
    await heard('draft_only');
    expect(await drafted.attempt(null)).toMatchObject({ decision: { cause: { code: 'HANDLER_FAILED' } } });
    await inFlight(1);
    expect(await held.next()).toEqual({ done: false, value: 0 });
  });
});
