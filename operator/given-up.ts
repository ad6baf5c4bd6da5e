import { type FoundReport, type Head, lossProblem, type StateView } from '../flags/index.ts';
import type { ReportedBeat } from '../store/beats.ts';
import type { Remembered } from '../store/ports.ts';

/**
 * So many heads are named in the event of a `recover`, the highest: anybody who may report could fill the log
 * otherwise.
 */
export const MOST_GIVEN_UP = 100;

/** What executors hold that the store lacks. */
export interface GivenUp {
  /** What honest executors can have seen, the highest epoch first; at most `MOST_GIVEN_UP`. */
  readonly heads: readonly Head[];
  /** How many there were. */
  readonly total: number;
  /** What nobody can have seen, and why. It enters no event. */
  readonly ignored: ReadonlyArray<{ readonly executor: string; readonly why: string }>;
}

/** What else is known of what executors hold. */
interface Beside {
  /** What executors judge of forks, which may also be from some that have no beat. */
  readonly reports?: readonly FoundReport[] | undefined;
  /** What counts where the store is empty, and so nobody may have been able to report in it. */
  readonly remembered?: readonly Remembered[] | undefined;
}

/**
 * What a `recover` gives up: what somebody reports as contradicted, and what is held beyond the store's end. Whatever
 * an executor reports is unproven, so only what can be true is taken: a generation that the store knows (where it is
 * empty nothing can be known, and the form must do), and no epoch that nobody can have seen.
 */
export function givenUpBy(
  beats: readonly ReportedBeat[],
  view: StateView & { readonly head: Head | null },
  { reports = [], remembered = [] }: Beside = {},
): GivenUp {
  const store = view.head;
  const generations = view.get('control')?.generations ?? [];
  const heads = new Map<string, Head>();
  const ignored = new Map<string, { readonly executor: string; readonly why: string }>();
  const weigh = (executor: string, held: Head, problem?: string): void => {
    const why = problem ?? lossProblem(held, store, generations);
    if (why === null) heads.set(held.hash, held);
    else ignored.set(`${executor}\n${why}`, { executor, why });
  };
  for (const { name, applied, fork, problem } of beats) {
    const held = fork?.held ?? applied;
    if (held && (fork || !store || held.epoch > store.epoch)) weigh(name, held, problem);
  }
  if (!store) for (const { name, held } of remembered) weigh(name, held);
  for (const { name, held, against } of reports) if (held && against === store?.generation) weigh(name, held);
  const highest = [...heads.values()].sort((a, b) => b.epoch - a.epoch).slice(0, MOST_GIVEN_UP);
  return { heads: highest, total: heads.size, ignored: [...ignored.values()] };
}
