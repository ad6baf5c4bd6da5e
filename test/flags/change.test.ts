import { describe, expect, test } from 'vitest';
import {
  type Direction,
  follows,
  generationBegun,
  GENESIS,
  type Head,
  goesFirst,
  headAfter,
  loosens,
  type LogEvent,
  nextChange,
  nextEpoch,
  sealEvent,
  State,
} from '../../flags/index.ts';

const at = '2026-01-01T00:00:00.000Z';
const HASH = 'b'.repeat(64);
const head: Head = { generation: 'g1', epoch: 4, hash: HASH, recovered: false };

test('only a loosening gives authority back; a change that changes none does not', () => {
  const directions = ['tightens', 'neutral', 'loosens'] as const;
  expect(directions.map((direction) => loosens({ direction }))).toEqual([false, false, true]);
});

test('what gives nothing back goes first, but for what a store records for itself', () => {
  const event = sealEvent({ seq: 1, at, actor: 'a', type: 'kill', data: {}, reason: null, prev: GENESIS });
  const first = (type: string, direction: Direction) => goesFirst({ direction, event: { ...event, type } });
  expect([first('kill', 'tightens'), first('second', 'neutral'), first('snapshot', 'neutral')]).toEqual([
    true,
    true,
    false,
  ]);
  expect([first('revive', 'loosens'), first('snapshot', 'loosens')]).toEqual([false, false]);
});

test('a generation is begun by two kinds of events only', () => {
  expect(['init', 'recover', 'kill', 'snapshot', 'not known here'].map(generationBegun)).toEqual([
    'log',
    'recovery',
    null,
    null,
    null,
  ]);
});

describe('the number of the next event', () => {
  test.each<[Head | null, number | undefined, number]>([
    [null, undefined, 1],
    [head, undefined, 5],
    [head, 3, 5],
    [head, 4, 5],
    [head, 9, 10],
    [null, 9, 10],
  ])('after %j, with %s seen beyond it, is %i', (before, beyond, next) => {
    expect(nextEpoch(before, beyond)).toBe(next);
  });
});

describe('a change', () => {
  const begin = (state = new State()): State => {
    const { event } = nextChange(state, { type: 'init', data: { generation: 'g1' }, at, actor: 'system' });
    state.take(event);
    return state;
  };

  test('begins a log where there is none', () => {
    const change = nextChange(new State(), { type: 'init', data: { generation: 'g1' }, at, actor: 'system' });
    expect(change.event).toMatchObject({ seq: 1, prev: GENESIS, at, actor: 'system', type: 'init', reason: null });
    expect(change).toMatchObject({ direction: 'loosens', head: { generation: 'g1', epoch: 1, recovered: false } });
    expect(change.head.hash).toBe(change.event.hash);
  });

  test('follows the head that it was made at, has its patch, and leaves the state as it is', () => {
    const state = begin();
    const before = state.head;
    const mode = { type: 'mode', data: { mode: 'full_stop', targeting: null }, at, actor: 'a', reason: 'r' } as const;
    const { event, patch, direction, head: after } = nextChange(state, mode);
    expect(event).toEqual(sealEvent({ ...mode, seq: 2, prev: state.hash }));
    expect(patch.set).toEqual([['mode', { mode: 'full_stop', targeting: null, epoch: 2, by: 'a', at }]]);
    expect([direction, after]).toEqual([
      'tightens',
      { generation: 'g1', epoch: 2, hash: event.hash, recovered: false },
    ]);
    expect(follows(event, state.hash, state.epoch)).toBe(true);
    expect(state.head).toEqual(before);
  });

  test('of a recovery is numbered beyond what somebody may have seen', () => {
    const data = { generation: 'g2', given_up: [] };
    const change = nextChange(begin(), { type: 'recover', data, at, actor: 'a', beyond: 41 });
    expect(change.event.seq).toBe(42);
    expect(change.head).toEqual({ generation: 'g2', epoch: 42, hash: change.event.hash, recovered: true });
  });

  test('that belongs to no generation is refused', () => {
    const mode = { type: 'mode', data: { mode: 'paused', targeting: null }, at, actor: 'a' } as const;
    expect(() => nextChange(new State(), mode)).toThrow(
      expect.objectContaining({ code: 'INVALID_STATE', message: 'Event 1 (mode) does not belong to any log.' }),
    );
  });
});

describe('where a log stands after an event', () => {
  const event = (type: string, data: Record<string, unknown> = {}): LogEvent =>
    sealEvent({ seq: 5, at, actor: 'a', type, data, reason: null, prev: HASH });

  test.each([true, false])('is the same generation, recovered (%s) as it was', (recovered) => {
    const kill = event('kill');
    expect(headAfter({ ...head, recovered }, kill)).toEqual({ ...head, recovered, epoch: 5, hash: kill.hash });
  });

  test('that begins a generation is in that one', () => {
    const init = event('init', { generation: 'g2' });
    expect(headAfter({ ...head, recovered: true }, init)).toEqual({
      generation: 'g2',
      epoch: 5,
      hash: init.hash,
      recovered: false,
    });
    expect(headAfter(null, event('recover', { generation: 'g2' }))).toMatchObject({
      generation: 'g2',
      recovered: true,
    });
  });
});
