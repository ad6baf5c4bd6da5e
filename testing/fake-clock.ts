import { type Clock, invalid, quoteId } from '../flags/index.ts';
import { checkKeys } from '../flags/options.ts';

/**
 * A clock that stands still until a test moves it: both clocks together, as when time passes, or one alone, as when a
 * clock fails.
 */
export interface FakeClock extends Clock {
  /** Time passes: both clocks go on by so many milliseconds. */
  pass(ms: number): void;
  /** Only the monotonic clock goes on. It cannot go back. */
  stepMono(ms: number): void;
  /** Only the wall clock is set, forward or back. With `stepWall` alone a process seems to have been suspended. */
  stepWall(ms: number): void;
}

/** Where the two clocks begin. */
export interface FakeClockOptions {
  /** Where the wall clock starts, in milliseconds since 1970. Default: the first moment of 2026, UTC. */
  readonly wall?: number | undefined;
  /** Where the monotonic clock starts, in milliseconds. Default 0. */
  readonly mono?: number | undefined;
}

/**
 * @throws KillSwitchError INVALID_ARGUMENT for an unknown option
 * @throws RangeError when the monotonic clock would go back
 */
export function fakeClock(options: FakeClockOptions = {}): FakeClock {
  const given = checkKeys('fakeClock', options, { wall: true, mono: true });
  const { wall = Date.UTC(2026, 0, 1), mono = 0 } = given;
  for (const [what, ms] of Object.entries({ wall, mono }))
    if (!Number.isFinite(ms)) throw invalid(`${what} must be a number of milliseconds, not ${quoteId(ms)}.`);
  let now = { mono, wall };
  const step = (by: number, wallBy: number): void => {
    if (by < 0) throw new RangeError('A monotonic clock never goes back.');
    now = { mono: now.mono + by, wall: now.wall + wallBy };
  };
  return Object.assign(() => now, {
    pass: (ms: number) => step(ms, ms),
    stepMono: (ms: number) => step(ms, 0),
    stepWall: (ms: number) => step(0, ms),
  });
}
