import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_INPUT_LENGTH, redact } from '../../guard/redact.ts';

test('takes secrets out by key name, in any spelling and at any depth', () => {
  const keys = [
    'password',
    'Passwd',
    'clientSecret',
    'access_token',
    'Authorization',
    'authorisation',
    'apiKey',
    'API-KEY',
    'privateKey',
    'cookie',
    'cardNumber',
    'cvv',
    'iban',
    'pin',
  ];
  const input = Object.fromEntries(keys.map((key) => [key, 'hunter2']));
  const redacted = redact({ list: [{ deep: { ...input, kept: 'visible' } }], map: new Map([['token', 'hunter2']]) });
  expect(JSON.stringify(redacted)).not.toContain('hunter2');
  expect(JSON.stringify(redacted)).toContain('visible');
  expect(JSON.stringify(redacted).match(/\[redacted\]/g)).toHaveLength(keys.length + 1);
});

test('leaves alone what only sounds alike', () => {
  expect(redact({ pinned: 1, spinning: 2, to: 'a' })).toEqual({ pinned: 1, spinning: 2, to: 'a' });
});

test('bounds depth, width, length and cycles, and never throws', () => {
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  expect(redact(cycle)).toEqual({ self: '[cycle]' });
  expect(redact('x'.repeat(10_000))).toHaveLength(2001);
  expect(redact(Array.from({ length: 100 }, () => 'x'.repeat(1000)))).toMatch(/too long to record/);
  const deep = Array.from({ length: 100 }).reduce<unknown>((inner) => ({ inner }), 'end');
  expect(JSON.stringify(redact(deep))).toContain('too deep');
  const hostile = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('mine');
      },
    },
  );
  expect(redact({ hostile })).toBe('[unreadable]');
  expect(redact({ big: 1n, not: Number.NaN, when: new Date(0), bytes: Buffer.from('secret'), run: () => 1 })).toEqual({
    big: '1',
    not: 'NaN',
    when: '1970-01-01T00:00:00.000Z',
    bytes: '[6 bytes]',
  });
});

test('gives JSON of bounded length for anything', () => {
  fc.assert(
    fc.property(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }),
      (value) => {
        const text = JSON.stringify(redact(value));
        expect(text.length).toBeLessThanOrEqual(MAX_INPUT_LENGTH + 100);
      },
    ),
    { numRuns: 1000 },
  );
});
