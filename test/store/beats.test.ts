import { expect, test } from 'vitest';
import { readBeat } from '../../store/beats.ts';

const BEAT = {
  ...{ id: 'x', name: 'test', host: 'h', pid: 7, version: '1.0.0', lease_ms: 5000, applied: null, fork: null },
  ...{ started_at: '2026-01-01T00:00:00.000Z', at: '2026-01-01T00:00:01.000Z', in_flight: 0, draining: 0 },
  ...{ agents: [], runs: [] },
};

const stamped = (heard_at: unknown): string => JSON.stringify({ ...BEAT, heard_at });

test('when the store was given a beat is read only where the store itself says so', () => {
  const at = Date.parse('2026-01-01T00:00:09.000Z');
  expect(readBeat('x', stamped(at), { isStamped: true })).toEqual({
    ...BEAT,
    heard_at: '2026-01-01T00:00:09.000Z',
  });
  expect(readBeat('x', stamped(at))).toEqual(BEAT);
  expect(readBeat('x', stamped('yesterday'))).toEqual(BEAT);
  expect(readBeat('x', JSON.stringify(BEAT), { isStamped: true })).toEqual(BEAT);
});

test.each(['yesterday', '2026-01-01T00:00:09.000Z', null, -1, 1e16, [1], true])(
  'a beat with %j for when it was heard has a problem, and its other members are there',
  (heard_at) => {
    const { problem, ...members } = readBeat('x', stamped(heard_at), { isStamped: true });
    expect(problem).toMatch(/^heard_at: .* is no time$/);
    expect(members).toEqual(BEAT);
  },
);
