import type { Clock } from '../flags/index.ts';

/** Both clocks of this machine. */
export const systemClock: Clock = () => ({ mono: performance.now(), wall: Date.now() });
