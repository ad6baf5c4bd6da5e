/**
 * How bad a finding is. `unsafe`: what the switch promises does not hold, or may be undone by somebody who should not.
 * `warning`: it holds, with less in reserve. `unknown`: this could not be looked at.
 */
export type Level = 'unsafe' | 'warning' | 'unknown' | 'ok';

/** What one check has found. `mend`: what to do, as a sentence or a command; null where there is nothing to do. */
export interface Finding {
  readonly check: string;
  readonly level: Level;
  readonly says: string;
  readonly mend: string | null;
}

/** `safe`: no finding is `unsafe`. */
export interface DoctorAnswer {
  readonly safe: boolean;
  readonly findings: readonly Finding[];
}
