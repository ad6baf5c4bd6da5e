import { describe, expect, test } from 'vitest';
import { type Head, KillSwitchError } from '../../../flags/index.ts';
import type { Push } from '../../../store/ports.ts';
import type { Advance } from '../../../store/file/advance.ts';
import { Followers, NOTHING_PUSHED, pushesOf } from '../../../store/file/followers.ts';
import { TestLog } from '../test-log.ts';

const log = new TestLog();
const first = log.append('init', { generation: 'g' });
const second = log.append('mode', { mode: 'live', targeting: null });
const headAt = ({ seq, hash }: { seq: number; hash: string }): Head => ({
  generation: 'g',
  recovered: false,
  epoch: seq,
  hash,
});
const [atFirst, atSecond] = [headAt(first), headAt(second)];
const broken = new KillSwitchError('CORRUPT', 'torn');
const types = (pushes: readonly Push[]): string[] => pushes.map(({ type }) => type);

describe('followers get', () => {
  test.each<[string, Advance, Head | null, Partial<typeof NOTHING_PUSHED>, string[]]>([
    [
      'each event that was appended',
      { is: 'further', events: [first, second] },
      atSecond,
      { at: { head: null } },
      ['event', 'event'],
    ],
    ['nothing where nothing was appended', { is: 'further', events: [] }, atSecond, { at: { head: atSecond } }, []],
    ['a gap instead of too many events', { is: 'further', events: 'many' }, atSecond, { at: { head: null } }, ['gap']],
    ['a gap when the log is read for the first time', { is: 'anew' }, null, {}, ['gap']],
    ['a gap where another file is in its place', { is: 'anew' }, atSecond, { at: { head: atFirst } }, ['gap']],
    ['nothing where the same was read anew', { is: 'anew' }, atSecond, { at: { head: atSecond } }, []],
    [
      'a gap when trouble is over',
      { is: 'further', events: [second] },
      atSecond,
      { at: { head: atFirst }, trouble: 'x' },
      ['event', 'gap'],
    ],
    [
      'the events before the place that cannot be read',
      { is: 'failed', error: broken, events: [second] },
      atSecond,
      { at: { head: atFirst } },
      ['event'],
    ],
    [
      'no gap before reading succeeds',
      { is: 'failed', error: broken, events: 'many' },
      atSecond,
      { at: { head: atFirst } },
      [],
    ],
  ])('%s', (_what, advance, head, told, expected) => {
    expect(types(pushesOf(advance, head, { ...NOTHING_PUSHED, ...told }))).toEqual(expected);
  });

  test('trouble once until it ends, each of them, even if another throws', () => {
    const followers = new Followers();
    const heard: string[] = [];
    followers.add(() => {
      throw new Error('mine');
    });
    const end = followers.add(({ type }) => heard.push(type));
    followers.pushAdvance({ is: 'anew' }, atFirst);
    followers.pushTrouble(broken);
    followers.pushTrouble(broken);
    followers.pushAdvance({ is: 'failed', error: broken, events: [] }, atFirst);
    followers.pushTrouble(broken);
    followers.pushAdvance({ is: 'further', events: [second] }, atSecond);
    followers.pushTrouble(broken);
    expect(heard).toEqual(['gap', 'trouble', 'event', 'gap', 'trouble']);
    end();
    followers.pushAdvance({ is: 'anew' }, null);
    expect(heard).toHaveLength(5);
    expect(followers.count).toBe(1);
  });
});
