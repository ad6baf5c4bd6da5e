import { expect, test } from 'vitest';
import { isPermitFresh, KILL_RETURN_MS, PERMIT_MS } from '../../flags/index.ts';

const at = (mono: number, wall = mono) => ({ mono, wall });

test.each([
  ['just before its end', at(PERMIT_MS - 1), true],
  ['at its end by the monotonic clock', at(PERMIT_MS, 0), false],
  ['at its end by the wall clock, as after a suspension', at(0, PERMIT_MS), false],
  ['when the wall clock has gone back as far', at(0, -PERMIT_MS), false],
])('a permit %s', (_when, now, fresh) => {
  expect(isPermitFresh(at(0), now)).toBe(fresh);
  const sent = at(7000, 1_700_000_000_000); // it counts from when it was sent, whatever the clocks show
  expect(isPermitFresh(sent, at(sent.mono + now.mono, sent.wall + now.wall))).toBe(fresh);
});

test('a kill outlasts every permit, also by a clock that runs slower by a tenth', () => {
  expect(isPermitFresh(at(0), at(KILL_RETURN_MS * 0.9))).toBe(false);
});
