import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { oddity, printable, quoteId, shellWord, shownId } from '../../../flags/index.ts';
import { formatDuration, parseDuration, parseEnd } from '../../../operator/cli/duration.ts';
import { toJson, withoutCredentials } from '../../../operator/cli/output.ts';
import { closest } from '../../../flags/closest.ts';

describe('durations and times', () => {
  test('a duration has its unit, and is in milliseconds', () => {
    const read = Object.fromEntries(
      ['0', '250ms', '5s', '1.5s', '2m', '1h', '7d', '0s'].map((text) => [text, parseDuration(text)]),
    );
    expect(read).toEqual({
      '0': 0,
      '250ms': 250,
      '5s': 5000,
      '1.5s': 1500,
      '2m': 120_000,
      '1h': 3_600_000,
      '7d': 604_800_000,
      '0s': 0,
    });
  });

  test.each([
    '',
    '5',
    '-5s',
    '5 s',
    '5S',
    's',
    '1e3s',
    'Infinitys',
    '5sec',
    '5s5s',
    '9'.repeat(400),
    '1001d',
    '5constructor',
    '٥s',
  ])('%j is no duration', (text) => expect(() => parseDuration(text)).toThrow(/is not a duration|too long/));

  test('a time is RFC 3339 with its zone, or a duration from now', () => {
    expect(parseEnd('30m')).toEqual({ lastsMs: 1_800_000 });
    expect(parseEnd('2026-12-24T19:00:00+01:00')).toEqual({ expiresAt: '2026-12-24T18:00:00.000Z' });
    for (const text of [
      '',
      '30',
      'tomorrow',
      '2026-12-24',
      '2026-12-24T18:00:00',
      '2026-02-30T00:00:00Z',
      '2026-13-01T00:00:00Z',
      '30x',
    ])
      expect(() => parseEnd(text), text).toThrow(/is not a (time|duration)/);
  });

  test('durations are said in the unit that people read', () => {
    expect([12, 1500, 119_000, 180_000, 7_200_000, 172_800_000].map(formatDuration)).toEqual([
      '12 ms',
      '2 s',
      '119 s',
      '3 min',
      '2 h',
      '2 d',
    ]);
  });
});

describe('what is printed', () => {
  test('control characters, marks of direction and half characters are shown, not obeyed', () => {
    expect(printable('a\u001b[31m\u0007\u009b\u202e\u2028\ud800b\n\t🛑')).toBe(
      'a\\u001b[31m\\u0007\\u009b\\u202e\\u2028\\ud800b\\n\\t🛑',
    );
    const value = { 'k\u009b': '\u001b\u202e\ufeff' };
    expect(toJson(value)).toBe('{"k\\u009b":"\\u001b\\u202e\\ufeff"}');
    expect(JSON.parse(toJson(value, 2))).toEqual(value);
  });

  test('a word is quoted where a shell would take it apart', () => {
    expect([`agent:x`, 'a b', "it's", '$HOME', '', '*'].map(shellWord)).toEqual([
      'agent:x',
      `'a b'`,
      `'it'\\''s'`,
      `'$HOME'`,
      `''`,
      `'*'`,
    ]);
  });

  test('and is what it was once a shell has read it', () => {
    for (const word of ['a b', "it's", '$HOME', 'a\u200b\\n', "\u{e0041}'", 'e\u0301', '🛑', '\u202e$(x)`y`']) {
      const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8' };
      expect(execFileSync('bash', ['-c', `printf %s ${shellWord(word)}`], { env, encoding: 'utf8' })).toBe(word);
    }
  });

  test('an id is shown as it is unless it could be taken for another, and twice shown is once shown', () => {
    expect(['a', 'a b', 'é', '', ' a', 'a ', 'e\u0301', '"a"', 'agent: a'].map(shownId)).toEqual([
      'a',
      'a b',
      'é',
      '""',
      '" a"',
      '"a "',
      '"e\\u0301"',
      '"\\"a\\""',
      '"agent: a"',
    ]);
    expect(quoteId('x'.repeat(512))).toHaveLength(78);
    expect(oddity('a:b c')).toBeNull();
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (one, other) => {
        expect(printable(printable(one))).toBe(printable(one));
        expect(JSON.parse(toJson([one]))).toEqual([one]);
        // What is shown alike is the same, or is spelt with the escape itself.
        if (one !== other && !/[\\"]/.test(one + other)) expect(shownId(one)).not.toBe(shownId(other));
        expect(shownId(one).normalize('NFC')).toBe(shownId(one));
      }),
      { numRuns: 2000 },
    );
  });

  test('what stands before an @ in a URL does not come out', () => {
    expect(withoutCredentials('at redis://u:p@ss@h:1/0 and rediss:u:p@h, not agent:a@b')).toBe(
      'at redis://***@h:1/0 and rediss:***@h, not agent:a@b',
    );
  });
});

test('a word that was nearly typed is found; another one is not', () => {
  const verbs = ['kill', 'kills', 'revive', 'status'];
  expect(
    ['kil', 'revvie', 'staus', 'KILL', 'xyz', 'constructor', 'x'.repeat(5000)].map((word) => closest(word, verbs)),
  ).toEqual(['kill', 'revive', 'status', 'kill', undefined, undefined, undefined]);
});
