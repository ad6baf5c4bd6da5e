import type { FoundReport } from '../../flags/index.ts';

/** The reports by which executors decide whether the store has lost a change. */
export interface FoundReports {
  readonly reports: readonly FoundReport[];
  readonly floods: readonly Flood[];
}

/** More reports than are read: it stops executors whatever the reports say, unless its users or names are excluded. */
export interface Flood {
  readonly what: string;
  readonly by: readonly string[];
}

/** Reads the reports of forks that executors judge. */
export interface ForkReader {
  /** The reports against this generation, also of executors that have left. */
  read(generation: string): Promise<FoundReports>;
}
