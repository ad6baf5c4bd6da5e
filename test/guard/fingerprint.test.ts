import { describe, expect, test, vi } from 'vitest';
import { fingerprintOf } from '../../guard/fingerprint.ts';

const of = fingerprintOf;

class Mine {
  readonly a: number;
  constructor(a: number) {
    this.a = a;
  }
}

describe('two inputs have one fingerprint', () => {
  test.each<[string, unknown, unknown]>([
    ['in any order of members', { a: 1, b: { c: [1, 2], d: 'x' } }, { b: { d: 'x', c: [1, 2] }, a: 1 }],
    ['where a member is undefined or absent', { a: 1, b: undefined }, { a: 1 }],
    ['for 0 and -0', { a: 0 }, { a: -0 }],
    ['of any length', { a: 'x'.repeat(5000), b: 1 }, { b: 1, a: 'x'.repeat(5000) }],
    [
      'with Dates, Maps and Sets',
      { at: new Date(5), map: new Map([['a', new Set([1])]]) },
      { at: new Date(5), map: new Map([['a', new Set([1])]]) },
    ],
    ['with a Date among members in another order', { at: new Date(5), a: 1 }, { a: 1, at: new Date(5) }],
    ['of bytes', new Uint8Array([1, 2]), Buffer.from([1, 2])],
    ['of a URL', { url: new URL('https://a.example/1') }, { url: new URL('https://a.example/1') }],
    ['without a prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ])('%s', (_what, one, other) => {
    expect(of(one)).not.toBeNull();
    expect(of(one)).toBe(of(other));
  });
});

describe('two inputs have different ones', () => {
  test.each<[string, unknown, unknown]>([
    ['for a text and a number', { a: '1' }, { a: 1 }],
    ['for null and no input', null, undefined],
    ['for a list and an object', { a: [] }, { a: {} }],
    ['for members that run together', { 'a":1,"b': 2 }, { a: 1, b: 2 }],
    ['for items that run together', ['a,b'], ['a', 'b']],
    ['for a BigInt and a number', { a: 1n }, { a: 1 }],
    ['of any length', { a: 'x'.repeat(5000) }, { a: `${'x'.repeat(4999)}y` }],
    ['for Dates', { at: new Date(5) }, { at: new Date(6) }],
    ['of a URL', { url: new URL('https://a.example/1') }, { url: new URL('https://a.example/2') }],
    ['for undefined and null in a list', [undefined, 1], [null, 1]],
  ])('%s', (_what, one, other) => {
    expect(of(one)).not.toBeNull();
    expect(of(one)).not.toBe(of(other));
  });
});

test('what runs code of the application when it is read has none, and is not run', () => {
  const run = vi.fn(() => 1);
  const getter = Object.defineProperty({}, 'a', { get: run, enumerable: true });
  expect(of(getter)).toBeNull();
  expect(of({ deep: [getter] })).toBeNull();
  expect(of(new Proxy({}, { ownKeys: () => [String(run())], get: run }))).toBeNull();
  expect(of({ a: { toJSON: run } })).toBeNull();
  expect(run).not.toHaveBeenCalled();
});

test('what refers to itself, and an object of a class, has none', () => {
  const ring: Record<string, unknown> = { a: 1 };
  ring['ring'] = ring;
  expect(of(ring)).toBeNull();
  expect(of({ mine: new Mine(1) })).toBeNull();
  expect(of(new Headers({ a: 'b' }))).toBeNull();
});
