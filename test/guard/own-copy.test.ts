import { Readable } from 'node:stream';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ActionInputError } from '../../guard/errors.ts';
import { looseCopy, ownCopy } from '../../guard/own-copy.ts';

const copy = <T>(input: T): T => ownCopy('a.b', input);

/** Every object in it, however deep. */
function objectsIn(value: unknown, found = new Set<object>()): Set<object> {
  if (typeof value !== 'object' || value === null || found.has(value)) return found;
  found.add(value);
  for (const key of Reflect.ownKeys(value)) objectsIn(Reflect.get(value, key), found);
  return found;
}

describe('an own copy', () => {
  test('is equal to plain data, and shares no object with it', () => {
    const data = fc.object({ withDate: true, withMap: true, withSet: true, withBigInt: true, withNullPrototype: true });
    fc.assert(
      fc.property(data, (input) => {
        const before = structuredClone(input);
        const copied = copy(input);
        expect(copied).toEqual(before);
        const own = objectsIn(copied);
        for (const object of objectsIn(input)) expect(own.has(object)).toBe(false);
      }),
    );
  });

  test('keeps what JSON would lose: -0, undefined, NaN, a gap in a list, a BigInt', () => {
    const gap: number[] = [1];
    gap.length = 3;
    const copied = copy({ zero: -0, none: undefined, nan: Number.NaN, gap, big: 5n });
    expect(Object.is(copied.zero, -0)).toBe(true);
    expect('none' in copied).toBe(true);
    expect(copied).toEqual({ zero: -0, none: undefined, nan: Number.NaN, gap, big: 5n });
    expect([copied.gap.length, 1 in copied.gap]).toEqual([3, false]);
  });

  test('copies Dates, Maps and Sets, with what is in them', () => {
    const inner = { cents: 1 };
    const input = { at: new Date(5), by: new Map([['a', inner]]), all: new Set([inner]) };
    const copied = copy(input);
    input.at.setTime(9);
    input.by.set('b', inner);
    input.all.clear();
    inner.cents = 2;
    expect(copied).toEqual({ at: new Date(5), by: new Map([['a', { cents: 1 }]]), all: new Set([{ cents: 1 }]) });
    expect(copied.by.get('a')).toBe([...copied.all][0]); // what was shared is shared
  });

  test('is not fooled by a member named __proto__, nor by a plain object of another realm', () => {
    const parsed = JSON.parse('{"__proto__": {"cents": 5}}') as object;
    expect(Object.getPrototypeOf(copy(parsed))).toBe(Object.prototype);
    expect(Object.hasOwn(copy(parsed), '__proto__')).toBe(true);
    const foreign = runInNewContext('({ list: [{ cents: 5 }] })') as { list: Array<{ cents: number }> };
    const copied = copy(foreign);
    for (const item of foreign.list) item.cents = 9;
    expect(copied.list[0]?.cents).toBe(5);
  });

  test('of a frozen object may be changed', () => {
    const copied = copy(Object.freeze({ list: Object.freeze([1]) as number[] }));
    copied.list.push(2);
    expect(copied).toEqual({ list: [1, 2] });
  });

  test('of a circle is a circle, and of a thousand shared objects no more than that many', () => {
    const circle: { self?: object } = {};
    circle.self = circle;
    const copied = copy(circle);
    expect(copied).not.toBe(circle);
    expect(copied.self).toBe(copied);
    let shared: object = {};
    for (let depth = 0; depth < 60; depth += 1) shared = { left: shared, right: shared }; // 2^60 paths
    expect(objectsIn(copy(shared)).size).toBe(61);
  });

  test('of binary data is a view of its own on the same bytes, of the same class, however long it is', () => {
    const views = [Buffer.from('abcd'), new Uint8Array([1, 2]), new Float64Array([0.5]), new BigInt64Array([5n])];
    for (const view of [...views, new Uint16Array([1, 2, 3, 4]).subarray(1, 3)]) {
      Object.defineProperty(view, 'cents', { get: () => 5 });
      Object.defineProperty(view, 'byteLength', { get: () => 0 });
      const copied = copy({ view, again: view });
      expect(copied.view).not.toBe(view);
      expect(copied.again).toBe(copied.view);
      expect(Object.getPrototypeOf(copied.view)).toBe(Object.getPrototypeOf(view));
      expect([...copied.view]).toEqual([...view]);
      expect(copied.view.buffer).toBe(view.buffer);
      expect(Object.hasOwn(copied.view, 'cents')).toBe(false);
    }
    const data = new DataView(new ArrayBuffer(8), 2, 4);
    data.setInt32(0, 77);
    expect(copy(data).getInt32(0)).toBe(77);
    expect(copy(Buffer.alloc(50_000_000))).toHaveLength(50_000_000);
    const gone = new Uint8Array(8);
    const viewOfGone = new DataView(gone.buffer);
    structuredClone(gone, { transfer: [gone.buffer] });
    for (const view of [gone, viewOfGone]) expect(copy(view)).toBe(view);
  });

  test('has no getter of a prototype that only looks like that of a plain object', () => {
    const forged = Object.defineProperties(Object.create(null) as object, {
      ...{ isPrototypeOf: { value: 1 }, constructor: { value: 1 }, cents: { get: () => 5 } },
    });
    expect('cents' in copy(Object.create(forged) as object)).toBe(false);
  });

  test('leaves what is no data as it is: instances, streams, functions', () => {
    class Order {
      cents = 5;
      get amount(): number {
        return this.cents;
      }
    }
    const input = {
      order: new Order(),
      stream: Readable.from([]),
      call: () => 5,
      older: function older() {},
      kind: class Kind {},
      bytes: new (class Bytes extends Uint8Array {})(4),
      error: new Error('e'),
      boxed: Object(5) as object,
      promise: Promise.resolve(5),
      url: new URL('http://a'),
    };
    const copied = copy(input);
    expect(copied).not.toBe(input);
    for (const key of Object.keys(input)) expect(Reflect.get(copied, key)).toBe(Reflect.get(input, key));
    const order = new Order();
    expect(copy(order)).toBe(order);
  });
});

const getter = { enumerable: true, get: () => 5 };
const LIVE: ReadonlyArray<readonly [what: string, input: () => unknown, path: string, is: string]> = [
  ['a getter', () => Object.defineProperty({}, 'cents', getter), 'cents', 'is a getter'],
  ['a getter deep inside', () => ({ a: [{ b: Object.defineProperty({}, 'c', getter) }] }), 'a.0.b.c', 'is a getter'],
  ['a setter alone', () => Object.defineProperty({}, 'cents', { set() {} }), 'cents', 'is a getter'],
  ['a hidden getter', () => Object.defineProperty({}, 'cents', { get: () => 5 }), 'cents', 'is a getter'],
  ['a getter in a list', () => Object.defineProperty([1], 0, getter), '0', 'is a getter'],
  ['a getter of a symbol', () => Object.defineProperty({}, Symbol('s'), getter), 'Symbol(s)', 'is a getter'],
  [
    'a getter behind a Date',
    () => ({ at: new Date(), ...{}, x: Object.defineProperty({}, 'y', getter) }),
    'x.y',
    'is a getter',
  ],
  ['an inherited getter', () => Object.create(Object.defineProperty({}, 'cents', getter)), 'cents', 'is a getter'],
  ['a getter on an instance', () => Object.defineProperty(new (class A {})(), 'cents', getter), 'cents', 'is a getter'],
  [
    'a getter on a function',
    () => ({ of: Object.defineProperty(() => 5, 'cents', getter) }),
    'of.cents',
    'is a getter',
  ],
  ['a getter on a class', () => Object.defineProperty(class A {}, 'cents', getter), 'cents', 'is a getter'],
  ['a getter on an Error', () => Object.defineProperty(new Error('e'), 'cents', getter), 'cents', 'is a getter'],
  ['another stack of an Error', () => Object.defineProperty(new Error('e'), 'stack', getter), 'stack', 'is a getter'],
  ['a getter on no bytes', () => Object.defineProperty(new Uint8Array(), 'cents', getter), 'cents', 'is a getter'],
  [
    'a getter on a view of a class',
    () => Object.defineProperty(new (class Bytes extends Uint8Array {})(4), 'cents', getter),
    'cents',
    'is a getter',
  ],
  ['a proxy of a function', () => ({ of: new Proxy(() => 5, {}) }), 'of', 'is a proxy'],
  ['a getter on a Map', () => Object.defineProperty(new Map(), 'cents', getter), 'cents', 'is a getter'],
  ['a proxy', () => new Proxy({ cents: 5 }, {}), '', 'is a proxy'],
  ['a proxy inside', () => ({ a: new Map([['k', new Proxy([], {})]]) }), 'a.(value)', 'is a proxy'],
  ['a proxy as prototype', () => Object.create(new Proxy({}, {})), '', 'is a proxy'],
  ['a proxy of an instance', () => ({ a: new Proxy(new Date(), {}) }), 'a', 'is a proxy'],
  [
    'more than 100 levels',
    () => {
      let deep: unknown = 5;
      for (let level = 0; level < 102; level += 1) deep = [deep];
      return deep;
    },
    Array.from({ length: 100 }, () => '0').join('.'),
    'is nested more than 100 deep',
  ],
];

describe('what could be another value each time it is read, or cannot be copied', () => {
  test.each(LIVE)('is refused by its path: %s', (_what, input, path, is) => {
    let thrown: unknown;
    try {
      copy(input());
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ActionInputError);
    expect(thrown).toMatchObject({ code: 'NOT_PLAIN_DATA', action: 'a.b', issues: [{ path, message: is }] });
  });

  test.each(LIVE)('stays as it is for a schema that has still to read it: %s', (_what, make) => {
    const input = make();
    expect(looseCopy(input)).toBe(input);
  });

  test('is not run', () => {
    let runs = 0;
    const count = (): number => (runs += 1);
    const traps = new Proxy(
      {},
      { get: count, ownKeys: () => [`${count()}`], getPrototypeOf: () => Object(count()) as object },
    );
    for (const input of [traps, { traps }, Object.defineProperty({}, 'a', { get: count })]) {
      expect(() => copy(input)).toThrow(ActionInputError);
      looseCopy(input);
    }
    expect(runs).toBe(0);
  });

  test('more than 250,000 members are too many', () => {
    expect(copy(Array.from({ length: 100_000 }, (_, id) => id))).toHaveLength(100_000);
    expect(() => copy(Array.from({ length: 250_001 }, () => 0))).toThrow('holds more than 250000 values');
    expect(() => copy(new Set(Array.from({ length: 250_001 }, (_, id) => id)))).toThrow('holds more than');
  });
});
