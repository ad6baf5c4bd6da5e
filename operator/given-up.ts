import { type FoundReport, type Head, lossProblem, type StateView } from '../flags/index.ts';
import type { ReportedBeat } from '../store/beats.ts';
import type { Remembered } from '../store/capabilities/anchors.ts';

/** How many heads the event of a `recover` names at most, the highest: executors could fill the log otherwise. */
export const MOST_GIVEN_UP = 100;

/** The heads that executors hold and the store lacks. */
export interface GivenUp {
  /** Heads that an honest executor can have seen, the highest epoch first; at most `MOST_GIVEN_UP`. */
  readonly heads: readonly Head[];
  /** How many there were. */
  readonly total: number;
  /** Reports of heads that no executor can have seen, and why. They enter no event. */
  readonly ignored: ReadonlyArray<{ readonly executor: string; readonly why: string }>;
}

/** Further evidence of what executors hold. */
interface Beside {
  /** The reports of forks that executors judge; some may be of executors without a beat. */
  readonly reports?: readonly FoundReport[] | undefined;
  /** What this machine remembers; counts where the store is empty, and so perhaps holds no reports. */
  readonly remembered?: readonly Remembered[] | undefined;
}

/**
 * What a `recover` gives up: heads that an executor reports as contradicted, and heads beyond the store's end. Reports
 * are unproven, so only those count that can be true: their generation must be one that the store knows (in an empty
 * store any well-formed one), and their epoch one that an executor can have seen.
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

/**
 * Whether anything shows that there was a control plane in a store that is empty now: a head that somebody holds, or a
 * report that cannot be read or believed. An executor that has only reported that it found nothing shows none.
 */
export const isSeen = (beats: readonly ReportedBeat[], { total, ignored }: GivenUp): boolean =>
  total > 0 || ignored.length > 0 || beats.some(({ problem }) => problem !== undefined);
