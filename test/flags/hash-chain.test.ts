import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { follows, GENESIS, type LogEvent, readEvent, sealEvent, serializeEvent } from '../../flags/index.ts';

const event = (changes: Partial<Omit<LogEvent, 'hash'>> = {}): LogEvent =>
  sealEvent({
    seq: 1,
    at: '2026-01-01T00:00:00Z',
    actor: 'unverified:dana',
    type: 'init',
    data: { generation: 'g' },
    reason: null,
    prev: GENESIS,
    ...changes,
  });

describe('an event of the log', () => {
  test('has the SHA-256 of the hash before it and its own canonical form (RFC 8785) as its hash', () => {
    const canonical =
      '{"actor":"unverified:dana","at":"2026-01-01T00:00:00Z","data":{"a":{},"b":[1,"€"]},"prev":"' +
      `${GENESIS}","reason":null,"seq":1,"type":"init"}`;
    const expected = createHash('sha256')
      .update(GENESIS + canonical, 'utf8')
      .digest('hex');
    expect(event({ data: { b: [1, '€'], a: {} } }).hash).toBe(expected);
    expect(event({ data: { a: {}, b: [1, '€'] } }).hash).toBe(expected); // whatever the order of its members
  });

  test('is read as it was written, odd names and texts included', () => {
    const odd = event({
      reason: '"hash":"x", \\ 😀 \u2028',
      data: JSON.parse('{"__proto__":1,"hash":"y","constructor":[]}'),
    });
    const text = serializeEvent(odd);
    expect(readEvent(text)).toEqual(odd);
    expect(Object.keys(readEvent(text).data)).toEqual(['__proto__', 'constructor', 'hash']);
  });

  test.each<[string, (text: string) => string]>([
    ['its reason was changed', (text) => text.replace('null', '"because"')],
    ['its actor was changed', (text) => text.replace('dana', 'sam')],
    ['its number was changed', (text) => text.replace('"seq":1', '"seq":2')],
    ['its data was changed', (text) => text.replace('"g"', '"h"')],
    ['a member was added', (text) => text.replace('{"actor"', '{"a":1,"actor"')],
    ['the hash before it was changed', (text) => text.replace('"prev":"0', '"prev":"1')],
    [
      'its own hash was changed',
      (text) => text.replace(/"hash":"./, (m) => m.slice(0, -1) + (m.endsWith('0') ? '1' : '0')),
    ],
    [
      'its members were put in another order',
      (text) => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text)).reverse())),
    ],
    ['it was cut', (text) => text.slice(0, -1)],
    ['it is empty', () => ''],
    ['it is no event', () => '{}'],
    ['it is null', () => 'null'],
  ])('is refused when %s', (_, change) => {
    const text = serializeEvent(event());
    expect(readEvent(text)).toEqual(event());
    expect(change(text)).not.toBe(text);
    expect(() => readEvent(change(text))).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
  });

  test('says of a text that is none how it begins, and what was wrong', () => {
    const text = `{"seq":1,"at":"2026-01-01T00:00:00Z","actor":"unverified:dana","type":7}`;
    expect(() => readEvent(text)).toThrow(
      expect.objectContaining({
        message: `The log holds something that is not an event: ${text.slice(0, 60)}…`,
        cause: expect.objectContaining({ issues: expect.any(Array) }),
      }),
    );
    expect(() => readEvent(text.slice(0, -1))).toThrow(expect.objectContaining({ cause: expect.any(SyntaxError) }));
  });

  test('says by its number that it was changed', () => {
    expect(() => readEvent(serializeEvent(event({ seq: 7 })).replace('dana', 'sam'))).toThrow(
      'Event 7 of the log was changed after it was written.',
    );
  });

  test('follows the one whose hash it names, by the next number; only a recovery skips numbers', () => {
    const first = event();
    const next = (seq: number, type = 'kill') => event({ seq, type, prev: first.hash });
    expect(follows(first, GENESIS, 0)).toBe(true);
    expect(follows(next(2), first.hash, 1)).toBe(true);
    expect(follows(next(3), first.hash, 1)).toBe(false);
    expect(follows(next(1), first.hash, 1)).toBe(false);
    expect(follows(next(2), GENESIS, 1)).toBe(false);
    expect(follows(next(9, 'recover'), first.hash, 1)).toBe(true);
    expect(follows(next(1, 'recover'), first.hash, 1)).toBe(false);
  });
});
