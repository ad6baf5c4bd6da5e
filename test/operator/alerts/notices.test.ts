import { expect, test } from 'vitest';
import { type Condition, dataOf } from '../../../operator/alerts/conditions.ts';
import { NO_NOTICES, noticesAfter, withNotice } from '../../../operator/alerts/notices.ts';
import type { Notices } from '../../../operator/alerts/records.ts';

const at = (minutes: number): string => new Date(Date.UTC(2026, 0, 1, 0, minutes)).toISOString();

const silent = (name: string): Condition => ({
  key: `executor_silent\n${name}`,
  type: 'executor_silent',
  data: dataOf({ text: `${name} is silent.`, next: 'x' }, 'acme'),
});

const look = (
  before: Notices,
  found: readonly Condition[],
  minutes: number,
  more: Partial<Parameters<typeof noticesAfter>[1]> = {},
): Notices => noticesAfter(before, { found, unknown: new Set(), time: at(minutes), done: 0, ...more });

const textsOf = ({ list }: Notices): unknown[] => list.map(({ data }) => data['text']);

test('what is so is told once, as long as it is so', () => {
  const first = look(NO_NOTICES, [silent('a')], 0);
  expect(textsOf(first)).toEqual(['a is silent.']);
  const second = look(first, [silent('a'), silent('b')], 1);
  expect(textsOf(second)).toEqual(['a is silent.', 'b is silent.']);
  expect(second.list.map(({ number }) => number)).toEqual([1, 2]);
  expect(look(second, [silent('a'), silent('b')], 2)).toBe(second); // nothing is written
});

test('what comes and goes is told again only when it was gone for ten minutes', () => {
  let notices = look(NO_NOTICES, [silent('a')], 0);
  notices = look(notices, [], 1);
  notices = look(notices, [silent('a')], 10);
  notices = look(notices, [], 11);
  expect(textsOf(notices)).toHaveLength(1);
  notices = look(notices, [], 21);
  expect(notices.told).toEqual({});
  expect(textsOf(look(notices, [silent('a')], 22))).toHaveLength(2);
});

test('what could not be looked at is not taken for gone', () => {
  const before = look(NO_NOTICES, [silent('a')], 0);
  const after = look(before, [], 1, { unknown: new Set(['executor_silent']) });
  expect(after).toBe(before);
});

test('of many at once one notice says how many', () => {
  const all = Array.from({ length: 300 }, (_, index) => silent(`e${index}`));
  const notices = look(NO_NOTICES, all, 0);
  expect(textsOf(notices)).toEqual(['300 at once: e0 is silent. And 299 more.']);
  expect(notices.list[0]?.data['details']).toMatchObject({ count: 300 });
  expect(look(notices, all, 1)).toBe(notices);
});

test('what every target has got is kept no longer, and numbers go on', () => {
  const two = look(look(NO_NOTICES, [silent('a')], 0), [silent('a'), silent('b')], 1);
  const done = look(two, [silent('a'), silent('b')], 2, { done: 2 });
  expect(done.list).toEqual([]);
  const data = dataOf({ text: 'again', next: 'x' }, 'acme');
  expect(withNotice(done, 'store_fault', data, at(3)).list).toMatchObject([{ number: 3, type: 'store_fault' }]);
});
