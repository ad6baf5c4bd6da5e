import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ActionInputError } from '../../guard/errors.ts';
import { inputOf, MAX_DEPTH, MAX_LENGTH, MAX_VALUES, readLeft, readPlain } from '../../guard/plain-data.ts';

/** A text of JSON cannot say -0 by itself. */
const anyJson = (constraints?: fc.JsonSharedConstraints) =>
  fc.jsonValue(constraints).map((value): unknown => JSON.parse(JSON.stringify(value)));

const hashOf = (input: unknown): string => readPlain('a.b', input).hash;

test('reads what JSON can say, and gives it anew each time', () => {
  fc.assert(
    fc.property(anyJson({ maxDepth: 6 }), (input) => {
      const plain = readPlain('a.b', input);
      const [one, two] = [inputOf(plain), inputOf(plain)];
      expect(one).toEqual(JSON.parse(JSON.stringify(input)));
      expect(two).toEqual(one);
      if (typeof one === 'object' && one !== null) expect(one).not.toBe(two);
    }),
  );
});

test('has one hash for each value, whatever the order of its members', () => {
  const turned = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(turned)
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(
            Object.entries(value)
              .map(([key, inner]) => [key, turned(inner)] as const)
              .toReversed(),
          )
        : value;
  fc.assert(
    fc.property(anyJson(), (input) => {
      expect(hashOf(turned(input))).toBe(hashOf(input));
      expect(hashOf([input])).not.toBe(hashOf(input));
    }),
  );
  expect(hashOf({ a: 1, b: [1, 2] })).not.toBe(hashOf({ a: 1, b: [2, 1] }));
  expect(hashOf({ a: '1' })).not.toBe(hashOf({ a: 1 }));
  // echo -n '{"cents":500,"orderId":7}' | sha256sum
  expect(hashOf({ orderId: 7, cents: 500 })).toBe('96d46ba8a555242955727f86f1707cd639bc9aca3f51a95ccfd5baf15cb0f3e7');
});

test('keeps the members in the order in which they were given', () => {
  expect(readPlain('a.b', { z: 1, a: { y: 2, b: 3 } }).text).toBe('{"z":1,"a":{"y":2,"b":3}}');
});

test('leaves out a member that is undefined', () => {
  expect(readPlain('a.b', { note: undefined, amount: 0 })).toEqual(readPlain('a.b', { amount: 0 }));
});

test('takes -0 for 0 in what an effect has left, where nothing can be refused any more', () => {
  expect(readLeft('a.b', { moved: [-0, 1, -1] }).text).toBe('{"moved":[0,1,-1]}');
  expect(() => readLeft('a.b', { moved: Number.NaN })).toThrow(ActionInputError);
});

test('takes a call without an input', () => {
  const plain = readPlain('a.b', undefined);
  expect(inputOf(plain)).toBeUndefined();
  expect(plain.hash).toBe(hashOf(null));
});

test('takes plain objects of another realm, and objects without a prototype', () => {
  const foreign: unknown = runInNewContext('({ list: [1, { a: 2 }] })');
  expect(hashOf(foreign)).toBe(hashOf({ list: [1, { a: 2 }] }));
  expect(hashOf(Object.assign(Object.create(null), { a: 1 }))).toBe(hashOf({ a: 1 }));
});

test('a member of the name __proto__ is one like any other', () => {
  const input: unknown = JSON.parse('{"__proto__": {"cents": 5}, "a": 1}');
  const read = inputOf(readPlain('a.b', input));
  expect(JSON.stringify(read)).toBe('{"__proto__":{"cents":5},"a":1}');
  expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  expect(hashOf(input)).not.toBe(hashOf({ a: 1 }));
});

test('nothing that happens to the object afterwards changes it', () => {
  const input = { cents: 500, to: { account: 'a' } };
  const plain = readPlain('a.b', input);
  input.cents = 900;
  input.to.account = 'b';
  expect(inputOf(plain)).toEqual({ cents: 500, to: { account: 'a' } });
});

describe('refuses by its name, with the place', () => {
  const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) });
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  const shared = Array.from({ length: 40 }).reduce<unknown>((inner) => [inner, inner], 1);
  class Order {
    cents = 5;
  }
  class Sub extends Array<unknown> {}
  let ran = 0;
  const getter = {
    get cents() {
      ran += 1;
      return 5;
    },
  };
  test.each<[string, unknown, string, string | RegExp]>([
    ['a BigInt', { cents: 10n }, 'cents', /^is the BigInt "10"/],
    ['NaN', { list: [1, Number.NaN] }, 'list.1', 'is NaN'],
    ['Infinity', Number.NEGATIVE_INFINITY, '', 'is -Infinity'],
    ['-0, of which JSON would make another number', { cents: [-0] }, 'cents.0', 'is -0: give 0'],
    ['a Date', { on: new Date(0) }, 'on', /^is a Date/],
    ['a Map', new Map(), '', 'is a Map'],
    ['a Set', [new Set()], '0', 'is a Set'],
    ['a class', new Order(), '', 'is an instance of a class'],
    ['what inherits', Object.create({ cents: 5 }), '', 'is an instance of a class'],
    ['what hides what it inherits', Object.create(Object.create(null, { cents: { value: 5 } })), '', /instance/],
    ['a list of a class', Sub.from([1]), '', /class of its own/],
    ['a proxy', { order: new Proxy({}, {}) }, 'order', 'is a proxy'],
    ['a prototype that is a proxy', Object.create(new Proxy({}, {})), '', 'is an instance of a class'],
    ['a getter', getter, 'cents', 'is a getter'],
    // oxlint-disable-next-line unicorn/no-thenable -- a thenable is what is tested
    ['a thenable', { then: () => 1 }, 'then', 'is a function'],
    ['a promise', Promise.resolve(1), '', /^is a promise/],
    ['toJSON', { toJSON: () => 1 }, 'toJSON', 'is a function'],
    ['a symbol', { a: Symbol('x') }, 'a', 'is a symbol'],
    ['a name that is a symbol', { [Symbol('x')]: 1 }, '', /whose name is a symbol/],
    ['a hidden member', Object.defineProperty({}, 'cents', { value: 5 }), 'cents', /hidden/],
    ['bytes', { file: Buffer.from('x') }, 'file', /^is binary data/],
    ['a boxed number', { cents: Object(5) as unknown }, 'cents', /^is an object of/],
    ['an Error', new Error('x'), '', 'is an Error'],
    ['a list with gaps', [1, , 3], '', 'is a list with gaps'], // oxlint-disable-line no-sparse-arrays
    ['undefined in a list', [1, undefined], '1', 'is undefined'],
    ['a list with members', Object.assign([1], { a: 2 }), '', /members of its own/],
    ['half a character', { a: '\ud800' }, 'a', /half a character/],
    ['half a character in a name', { '\udc00': 1 }, '\udc00', /half a character/],
    ['a cycle', cyclic, Array.from({ length: MAX_DEPTH }, () => 'self').join('.'), /nested more than 100 deep/],
    ['too deep', deep(MAX_DEPTH + 1), Array.from({ length: MAX_DEPTH }, () => 'a').join('.'), /deep/],
    ['too many values, in little memory', shared, /^[01.]+$/.source, /more than 100000 values/],
    ['a long list', Array.from({ length: MAX_VALUES + 1 }, () => 1), '', /more than 100000 values/],
    ['a long text', 'x'.repeat(MAX_LENGTH + 1), '', /more than 1048576 characters/],
    ['texts that are long in all', ['x'.repeat(MAX_LENGTH), 'x'], '1', /more than 1048576 characters/],
    ['long JSON', ['\n'.repeat(MAX_LENGTH - 10)], '', /2097\d+ characters of JSON/],
  ])('%s', (_what, input, path, problem) => {
    let thrown: unknown;
    try {
      readPlain('pay.out', input);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ActionInputError);
    const { code, issues, message } = thrown as ActionInputError;
    expect(code).toBe('NOT_PLAIN_DATA');
    expect(message).toMatch(/^The input of pay\.out is not plain data/);
    if (path.startsWith('^')) expect(issues[0]?.path).toMatch(new RegExp(path));
    else expect(issues[0]?.path).toBe(path);
    expect(issues[0]?.message).toEqual(typeof problem === 'string' ? problem : expect.stringMatching(problem));
    expect(ran).toBe(0);
  });

  test('nothing that is deep enough', () => {
    expect(readPlain('a.b', deep(MAX_DEPTH - 1)).hash).toHaveLength(64);
  });
});
