/** How long each step takes at most from a confirmation to the clients, in milliseconds. */
export interface DeadManTimes {
  /** Between two writes of the file. */
  readonly reissueMs: number;
  /** From the moment a confirmation is sent until the file that rests on it is written. */
  readonly writeMs: number;
  /** Until flagd, or whatever carries the file on, has read it: flagd looks at a file every second. */
  readonly pollMs: number;
  /** How far the clocks of the exporter and of those who evaluate may be apart. */
  readonly skewMs: number;
}

/**
 * The shortest validity, in milliseconds, with which clients never stop without cause. One second is for the clock of flagd's targeting, which
 * counts whole seconds. When the exporter dies or is cut off, clients stop within the validity that was chosen plus the skew.
 */
export const deadManBound = ({ reissueMs, writeMs, pollMs, skewMs }: DeadManTimes): number =>
  reissueMs + writeMs + pollMs + skewMs + 1000;

/** What the end of a definition's validity rests on, in milliseconds. */
export interface ValidityBasis {
  /** The wall time at which the exporter's last confirmation was sent; not when it was answered, and not when the file is written. */
  readonly sentWallMs: number;
  /** How old that confirmation's answer was when it came through a hop. Default 0. */
  readonly hopAgeMs?: number | undefined;
  readonly validMs: number;
}

/** The second, since 1970, from which a definition says `full_stop`. */
export const validUntilFor = ({ sentWallMs, hopAgeMs = 0, validMs }: ValidityBasis): number =>
  Math.floor((sentWallMs - hopAgeMs + validMs) / 1000);
