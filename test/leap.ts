import { onTestFinished, vi } from 'vitest';

const clocks = { mono: performance.now.bind(performance), wall: Date.now };
let ahead = 0;

/**
 * As if this process had been busy for so long, until the test is over: both its clocks leap, and no timer has fired.
 */
export function leap(ms: number): void {
  if (ahead === 0) {
    const spies = [
      vi.spyOn(performance, 'now').mockImplementation(() => clocks.mono() + ahead),
      vi.spyOn(Date, 'now').mockImplementation(() => clocks.wall() + ahead),
    ];
    onTestFinished(() => {
      for (const spy of spies) spy.mockRestore();
      ahead = 0;
    });
  }
  ahead += ms;
}
