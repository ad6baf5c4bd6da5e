import { expect, test } from 'vitest';
import { type Head, MAX_EPOCH, PLAUSIBLE_LOSS } from '../../flags/index.ts';
import { givenUpBy, isSeen, MOST_GIVEN_UP } from '../../operator/given-up.ts';
import { type ReportedBeat, unreadableBeat } from '../../store/beats.ts';

const G1 = '00000000-0000-4000-8000-000000000001';
const G2 = '00000000-0000-4000-8000-000000000002';
const head = (epoch: number, generation = G1, hash = epoch.toString(16).padStart(64, '0')): Head => ({
  generation,
  epoch,
  hash,
  recovered: false,
});
const beat = (name: string, applied: Head | null, fork: ReportedBeat['fork'] = null): ReportedBeat => {
  return { ...unreadableBeat(name, ''), problem: undefined, name, applied, fork } as unknown as ReportedBeat;
};
const view = (store: Head | null) => ({
  head: store,
  get: (kind: string) =>
    kind === 'control' && store
      ? { generation: store.generation, generations: [G1], recovered: false, epoch: 1 }
      : undefined,
});
const givenUp = (store: Head | null, ...beats: ReportedBeat[]) => givenUpBy(beats, view(store) as never);

test('what is held beyond the store, and what is reported as contradicted, is given up; what the store has is not', () => {
  const found = givenUp(
    head(5),
    beat('at the head', head(5)),
    beat('behind', head(3)),
    beat('beyond', head(7)),
    beat('forked', head(4), { against: G1, held: head(4, G1, 'f'.repeat(64)) }),
  );
  expect(found).toEqual({ heads: [head(7), head(4, G1, 'f'.repeat(64))], total: 2, ignored: [] });
});

test.each([
  ['an epoch near the largest number', head(MAX_EPOCH), /claims epoch 281474976710656/],
  [
    'an epoch that is too far beyond',
    head(6 + PLAUSIBLE_LOSS),
    /more than 1000000 beyond the store's 5 is not believed/,
  ],
  ['a generation that the store does not know', head(7, G2), /names a generation that this store does not know/],
])('%s enters no event', (_what, held, why) => {
  const { heads, ignored } = givenUp(head(5), beat('liar', null, { against: G1, held }));
  expect(heads).toEqual([]);
  expect(ignored).toEqual([{ executor: 'liar', why: expect.stringMatching(why) }]);
});

test('of an empty store any generation of the right form is taken, and no other text', () => {
  expect(givenUp(null, beat('a', head(9, G2))).heads).toEqual([head(9, G2)]);
  const { heads, ignored } = givenUp(null, beat('b', head(9, 'x'.repeat(100))), beat('c', head(2 ** 40, G1)));
  expect(heads).toEqual([]);
  expect(ignored).toHaveLength(2);
});

test('a bounded number is named, the highest, and all are counted', () => {
  const many = Array.from({ length: 300 }, (_, index) => beat(`e${index}`, head(10 + index)));
  const { heads, total } = givenUp(head(5), ...many);
  expect(heads).toHaveLength(MOST_GIVEN_UP);
  expect(heads[0]?.epoch).toBe(309);
  expect(total).toBe(300);
});

test('a beat that cannot be read is no evidence', () => {
  expect(givenUp(head(5), { ...beat('odd', head(7)), problem: 'it is odd' })).toMatchObject({
    heads: [],
    ignored: [{ executor: 'odd', why: 'it is odd' }],
  });
});

test('an empty store was one before where somebody holds a head of it, or has left what cannot be read or believed', () => {
  const seen = (...beats: ReportedBeat[]): boolean => isSeen(beats, givenUp(null, ...beats));
  expect(seen()).toBe(false);
  expect(seen(beat('waits for init', null), beat('too', null))).toBe(false);
  expect(seen(beat('waits for init', null), beat('held one', head(3)))).toBe(true);
  expect(seen(beat('boasts', head(MAX_EPOCH)))).toBe(true);
  expect(seen(unreadableBeat('damaged', 'it is cut'))).toBe(true);
  const remembered = [{ name: 'mailer', held: head(3) }];
  expect(isSeen([], givenUpBy([], view(null) as never, { remembered }))).toBe(true);
});
