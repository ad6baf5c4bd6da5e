import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlPlane, openControlPlane } from '../../operator/index.ts';
import type { Pace } from '../../operator/stop-heard.ts';
import { openAt } from '../../operator/open.ts';
import { fakeClock } from '../../testing/fake-clock.ts';

/**
 * Time that passes only while somebody sleeps, each sleep in about a millisecond. However busy the machine is, what
 * happens beside a wait has as many looks to happen in.
 */
export function quickPace(): Pace {
  const clock = fakeClock();
  return {
    clock,
    async sleep(ms) {
      await sleep(1);
      clock.pass(ms);
    },
  };
}

/**
 * As `openControlPlane`, for a test that means no real time: a kill returns in a few milliseconds. One that shall be
 * obeyed by then says how long it waits, and returns as soon as it is.
 */
export const openQuickControl = (options: Parameters<typeof openControlPlane>[0]): Promise<ControlPlane> =>
  openAt(options, quickPace());
