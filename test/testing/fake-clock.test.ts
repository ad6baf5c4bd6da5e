import { expect, test } from 'vitest';
import { isLeaseValid } from '../../flags/index.ts';
import { fakeClock } from '../../testing/index.ts';

test('a fake clock moves only when a test moves it, each of its two clocks by itself', () => {
  const clock = fakeClock({ wall: 1000, mono: 5 });
  expect([clock(), clock()]).toEqual([
    { mono: 5, wall: 1000 },
    { mono: 5, wall: 1000 },
  ]);
  clock.pass(10);
  clock.stepMono(1);
  clock.stepWall(-500);
  expect(clock()).toEqual({ mono: 16, wall: 510 });
  expect(() => clock.stepMono(-1)).toThrow('never goes back');
});

test('an instant that was read does not change later, so a lease can be measured with it', () => {
  const clock = fakeClock();
  const lease = { sent: clock(), seen: clock().wall };
  clock.pass(499);
  expect(isLeaseValid(lease, clock(), 500)).toBe(true);
  clock.stepWall(1);
  expect(isLeaseValid(lease, clock(), 500)).toBe(false);
});
