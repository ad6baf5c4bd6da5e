import { setTimeout as sleep } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import { describe, expect, test, vi } from 'vitest';
import { hearUnhandled, openOngoing } from './open-ongoing.ts';
import { openMemorySwitch } from './open-switch.ts';

async function* mails(sent: number[]): AsyncGenerator<number> {
  for (let n = 1; ; n += 1) {
    sent.push(n);
    yield n;
  }
}

type Pages = AsyncGenerator<number>;
const key = Symbol('pages');

/** Each holds something that goes on, out of sight. */
const HIDDEN: Readonly<Record<string, readonly [make: (pages: Pages) => unknown, find: (result: never) => unknown]>> = {
  'some levels deep': [
    (pages) => ({ a: [{ b: { c: [pages] } }] }),
    (r: { a: [{ b: { c: [Pages] } }] }) => r.a[0].b.c[0],
  ],
  'under a symbol, deep': [(pages) => [{ [key]: pages }], ([r]: [{ [key]: Pages }]) => r[key]],
  'not enumerable': [(pages) => Object.defineProperty({}, 'pages', { value: pages }), (r: { pages: Pages }) => r.pages],
  'in a Map': [(pages) => new Map([['pages', pages]]), (r: Map<string, Pages>) => r.get('pages')],
  'a key of a Map': [(pages) => new Map([[pages, 1]]), (r: Map<Pages, number>) => [...r.keys()][0]],
  'in a Set': [(pages) => [new Set([1, pages])], ([r]: [Set<Pages>]) => [...r][1]],
  'in a Map of another realm': [
    (pages) => runInNewContext('new Map([[1, pages]])', { pages }) as unknown,
    (r: Map<number, Pages>) => r.get(1),
  ],
  'in a frozen list': [(pages) => Object.freeze([Object.freeze({ pages })]), ([r]: [{ pages: Pages }]) => r.pages],
  'in two places': [
    (pages) => {
      const both = { pages };
      return { deep: { both }, both };
    },
    (r: { deep: { both: { pages: Pages } }; both: { pages: Pages } }) => (
      expect(r.deep.both).toBe(r.both), r.both.pages
    ),
  ],
  'beside a long list': [
    (pages) => ({ rows: Array.from({ length: 20_000 }, (_, row) => ({ row })), page: { pages } }),
    (r: { page: { pages: Pages } }) => r.page.pages,
  ],
  'a member of a list, as databases give their columns': [
    (pages) => Object.assign([1, 2], { pages }),
    (r: { pages: Pages }) => r.pages,
  ],
  'a member of a list with holes': [
    (pages) => Object.assign(Array.from({ length: 3 }), { 1: 1, pages }),
    (r: { pages: Pages }) => r.pages,
  ],
  'a member of a list with as many holes as members': [
    // oxlint-disable-next-line no-sparse-arrays -- it is what is tried
    (pages) => Object.assign([, 1], { pages }),
    (r: { pages: Pages }) => r.pages,
  ],
  'at the end of a long list of lists': [
    (pages) => Array.from({ length: 5000 }, (_, row) => (row === 4999 ? [pages] : [])),
    (r: Pages[][]) => r.at(-1)?.[0],
  ],
  'beside what iterates itself': [
    (pages) => ({ list: { next: () => ({ done: true }), pages } }),
    (r: { list: { pages: Pages } }) => r.list.pages,
  ],
};

describe('the members of a result', () => {
  test.each(Object.entries(HIDDEN))('what goes on is held where it is %s', async (_where, [make, find]) => {
    const { killSwitch, kill, inFlight } = await openOngoing();
    const sent: number[] = [];
    const action = killSwitch.action({ name: 'mail.hide', execute: (_input: null) => make(mails(sent)) });
    const pages = find((await action(null)) as never) as Pages;
    expect(await pages.next()).toMatchObject({ value: 1 });
    await inFlight(1);
    await kill();
    await inFlight(0);
    await expect(pages.next()).rejects.toMatchObject({ code: 'ABORTED' });
    expect(sent).toEqual([1]);
  });

  test('what has to be copied for that keeps all else that it has, and no getter is run', async () => {
    const { killSwitch } = await openOngoing();
    const read = vi.fn<() => number>(() => 7);
    const made = { rows: [1, { two: 2 }], by: new Map([['a', { b: 1 }]]), list: [new Set([1]), mails([])] };
    Object.defineProperty(made, 'late', { get: read, enumerable: true });
    const action = killSwitch.action({ name: 'rows.get', execute: (_input: null) => made });
    const result = await action(null);
    expect(read).not.toHaveBeenCalled();
    expect(result).not.toBe(made);
    expect([result.rows === made.rows, result.by === made.by, result.list[0] === made.list[0]]).toEqual([
      true,
      true,
      true,
    ]);
    expect(result).toMatchObject({ late: 7 });
  });

  test('one that contains itself is refused where something has to be put in its place, else returned as it is', async () => {
    const { killSwitch, inFlight } = await openOngoing();
    const round = (more: object): object => {
      const tree = { inner: { up: undefined as unknown }, ...more };
      tree.inner.up = tree;
      return tree;
    };
    let next = round({});
    const action = killSwitch.action({ name: 'tree.get', execute: (_input: null) => next });
    expect(await action(null)).toBe(next);
    next = round({ pages: mails([]) });
    await expect(action(null)).rejects.toMatchObject({
      code: 'RESULT_GOES_ON',
      message: expect.stringContaining('contains itself'),
    });
    await inFlight(0);
  });

  test('one that is nested too deeply to be searched does not overflow the stack', async () => {
    const { killSwitch } = await openOngoing();
    let deep: object = {};
    for (let level = 0; level < 100_000; level += 1) deep = { deep };
    const action = killSwitch.action({ name: 'tree.deep', execute: (_input: null) => deep });
    expect(await action(null)).toBe(deep);
  });
  test('a list of promises is searched to its end, one of numbers is not', async () => {
    const { killSwitch, kill, inFlight } = await openOngoing();
    let finish = (): void => {};
    const last = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const action = killSwitch.action({
      name: 'mail.all',
      execute: (_input: null) => [...Array.from({ length: 20_000 }, async () => {}), last],
    });
    const all = await action(null);
    await inFlight(1);
    const killing = kill();
    await vi.waitFor(() => expect(killSwitch.check().mode).toBe('full_stop'));
    finish();
    await Promise.all(all.slice(0, -1));
    await expect(all.at(-1)).rejects.toMatchObject({ code: 'ABORTED' });
    await killing;
    await inFlight(0);

    let looks = 0;
    const numbers = new Proxy(
      Array.from({ length: 1e6 }, () => 1),
      {
        getOwnPropertyDescriptor(target, at) {
          looks += 1;
          return Reflect.getOwnPropertyDescriptor(target, at);
        },
      },
    );
    const { killSwitch: other } = await openMemorySwitch({ agentId: 'x' });
    const list = other.action({ name: 'numbers.list', execute: (_input: null) => numbers });
    expect(await list(null)).toBe(numbers);
    expect(looks).toBeLessThan(20_000);
  });
});

describe('a promise that is a member of a result', () => {
  test('fails unhandled where nobody handles it, once, and is out of flight', async () => {
    const { killSwitch, inFlight } = await openOngoing();
    const unhandled = hearUnhandled();
    const error = new Error('not counted');
    const action = killSwitch.action({
      name: 'odd.failing',
      execute: (_input: null) => ({ usage: sleep(5).then(() => Promise.reject(error)), id: 1 }),
    });
    expect((await action(null)).id).toBe(1);
    await vi.waitFor(() => expect(unhandled).toEqual([error]));
    await inFlight(0);
    await sleep(20);
    expect(unhandled).toEqual([error]);
  });

  test('is handled by whoever called', async () => {
    const { killSwitch } = await openOngoing();
    const unhandled = hearUnhandled();
    const action = killSwitch.action({
      name: 'odd.failing',
      execute: (_input: null) => ({ usage: Promise.reject(new Error('not counted')) }),
    });
    await expect((await action(null)).usage).rejects.toThrow('not counted');
    await sleep(20);
    expect(unhandled).toEqual([]);
  });

  test('ends no process when it fails because it was stopped', async () => {
    const { killSwitch, kill, inFlight } = await openOngoing();
    const unhandled = hearUnhandled();
    const action = killSwitch.action({
      name: 'odd.stopped',
      execute: (_input: null, { signal }) => ({
        usage: new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
        pages: mails([]),
      }),
    });
    const { pages } = await action(null);
    await inFlight(1);
    await kill();
    await inFlight(0);
    void pages.next(); // asked for, and not awaited
    await sleep(20);
    expect(unhandled).toEqual([]);
  });

  test('and so does a step that was asked for', async () => {
    const { killSwitch } = await openOngoing();
    const unhandled = hearUnhandled();
    const error = new Error('connection lost');
    const failing = async function* (): AsyncGenerator<number> {
      yield await sleep(1).then(() => Promise.reject(error));
    };
    const action = killSwitch.action({
      name: 'odd.steps',
      execute: (_input: null) => ({ pages: failing() }),
    });
    void (await action(null)).pages.next();
    await vi.waitFor(() => expect(unhandled).toEqual([error]));
  });
});
