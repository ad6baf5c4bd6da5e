const [SECOND, MINUTE, HOUR] = [1000, 60_000, 3_600_000];

/** How long to wait after the first attempts, in milliseconds. */
const WAITS: readonly number[] = [SECOND, 5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE];

/** How old an alert may be that is still tried, in milliseconds. */
export const GIVEN_UP_MS = 72 * HOUR;

/** How long to wait after so many failed attempts, in milliseconds. */
export const waitAfter = (failures: number): number => WAITS[failures - 1] ?? HOUR;

/** When it is tried next, in milliseconds since 1970. A time further ahead than any wait was set by another clock. */
export const dueAt = (nextAt: string | null, now: number): number => {
  const next = nextAt === null ? now : Date.parse(nextAt);
  return next > now + HOUR ? now : next;
};

/** Whether it is too old to be tried. */
export const isTooOld = (at: string, now: number): boolean => now - Date.parse(at) > GIVEN_UP_MS;
