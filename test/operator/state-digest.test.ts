import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Entry, EntryKey } from '../../flags/index.ts';
import { stateDigest } from '../../operator/state-digest.ts';

const last = { epoch: 3, by: 'unverified:dana', at: '2026-01-01T00:00:00.000Z' };
const mode: readonly [EntryKey, Entry] = ['mode', { mode: 'live', targeting: { if: [true, 'live'] }, ...last }];
const limit: readonly [EntryKey, Entry] = ['limit:a', { value: 3, ...last }];

test('a state has one digest, in whatever order its entries and their members come', () => {
  const turned = Object.fromEntries(Object.entries(mode[1]).reverse()) as Entry;
  expect(stateDigest([mode, limit])).toBe(stateDigest([limit, ['mode', turned]]));
  expect(stateDigest([mode])).toMatch(/^[0-9a-f]{64}$/);
});

test('it is another one for any other state', () => {
  const digests = [[], [mode], [limit], [mode, ['limit:a', { value: 4, ...last }]], [mode, ['limit:b', limit[1]]]].map(
    (entries) => stateDigest(entries as ReadonlyArray<readonly [EntryKey, Entry]>),
  );
  expect(new Set(digests).size).toBe(digests.length);
});

test('the members of lists and of what is in them are sorted too', () => {
  const entry = { mode: 'live', targeting: [{ b: [{ d: 1, c: 2 }], a: null }], ...last } as Entry;
  const line =
    '["mode",{"at":"2026-01-01T00:00:00.000Z","by":"unverified:dana","epoch":3,"mode":"live","targeting":[{"a":null,"b":[{"c":2,"d":1}]}]}]';
  expect(stateDigest([['mode', entry]])).toBe(createHash('sha256').update(`${line}\n`).digest('hex'));
});

test('members that look like numbers stand in the order of their characters, as for whoever makes the digest elsewhere', () => {
  const entry = { mode: 'live', targeting: { 10: 1, 9: 2 }, ...last } as Entry;
  const line =
    '["mode",{"at":"2026-01-01T00:00:00.000Z","by":"unverified:dana","epoch":3,"mode":"live","targeting":{"10":1,"9":2}}]';
  expect(stateDigest([['mode', entry]])).toBe(createHash('sha256').update(`${line}\n`).digest('hex'));
});
