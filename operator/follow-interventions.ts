import { setTimeout as sleep } from 'node:timers/promises';
import { KEPT_INTERVENTIONS, KEPT_NOTICES, KEPT_PROPOSALS, type ListName, type ShelfReader } from '../store/ports.ts';
import { eachOnce, recordIn, recordKey, type ReportedIntervention } from '../store/reports.ts';
import { outages } from './outages.ts';
import { untilEnded } from './until-ended.ts';

/** How often the store is asked, in milliseconds. */
const POLL_MS = 1000;
/** How much of each list is read in one poll. Where more may have come, all that is kept is read. */
const PER_POLL = 1000;
const KEPT = Math.max(KEPT_INTERVENTIONS, KEPT_PROPOSALS, KEPT_NOTICES);
/** How many keys are remembered before those are forgotten that the store does not keep any more. */
const MOST_KNOWN = 200_000;

/** What is followed. */
export interface InterventionSource {
  readonly shelf: ShelfReader;
  /** Aborts when the connection is closed. */
  readonly closed: AbortSignal;
  /** Waits between two polls, or until the signal fires; a test gives its own, to know when the store was asked. */
  readonly pause?: ((signal: AbortSignal) => Promise<unknown>) | undefined;
}

export interface FollowingInterventions {
  readonly matches: (record: ReportedIntervention) => boolean;
  readonly proposals: boolean;
  /** True: those that the store has come first. */
  readonly withKept: boolean;
  readonly signal: AbortSignal;
  /** Called once with an outage of the store, and once with an empty text when it is over. */
  readonly onTrouble: (problem: string) => void;
}

/**
 * Each intervention that notifies as it is reported, until `signal` fires or the iterator is returned. Executors report
 * late, and their clocks differ, so one is new that was not there before, whatever its time.
 * @throws KillSwitchError CLOSED
 */
export function followInterventions(
  source: InterventionSource,
  following: FollowingInterventions,
): AsyncIterableIterator<ReportedIntervention> {
  const { signal, ...asked } = following;
  return untilEnded((ended) => newOnes(source, { ...asked, signal: ended }), { signal, closed: source.closed });
}

async function* newOnes(
  { shelf, pause = (signal) => sleep(POLL_MS, undefined, { signal }) }: InterventionSource,
  { matches, proposals, withKept, signal, onTrouble }: FollowingInterventions,
): AsyncGenerator<ReportedIntervention> {
  const known = new KnownRecords();
  const store = outages(onTrouble);
  while (!signal.aborted) {
    let fresh: readonly ReportedIntervention[] = [];
    try {
      const isWhole = !store.hasAnswered || known.isFull;
      const read = await readLists(shelf, isWhole ? KEPT : PER_POLL, proposals);
      const mayBeMore = !isWhole && read.some((each) => known.runOfNew(each) >= PER_POLL);
      fresh = known.take(read, isWhole);
      if (mayBeMore) fresh = [...fresh, ...known.take(await readLists(shelf, KEPT, proposals), true)];
      if (!store.hasAnswered && !withKept) fresh = [];
      store.answered();
    } catch (error) {
      if (signal.aborted) return;
      store.failed(error);
    }
    for (const record of fresh.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at)))
      if (record.notifies !== false && matches(record)) yield record;
    await pause(signal).catch(() => {}); // aborted: the loop ends
  }
}

/** What was read of all lists of a kind: the texts of each list in a row; null: a text that is no record. */
interface ReadLists {
  readonly found: readonly (ReportedIntervention | null)[];
  readonly problems: number;
}

async function readLists(shelf: ShelfReader, limit: number, proposalsOnly: boolean): Promise<ReadLists[]> {
  const kinds: readonly ListName[] = proposalsOnly ? ['proposals'] : ['proposals', 'interventions', 'notices'];
  const lists: ReadLists[] = [];
  for (const kind of kinds) {
    const { texts, problems } = await shelf[kind](limit);
    lists.push({ found: texts.map(recordIn), problems: problems.length });
  }
  return lists;
}

/** The records that were there already. */
class KnownRecords {
  #keys = new Set<string>();

  get isFull(): boolean {
    return this.#keys.size > MOST_KNOWN;
  }

  /** Those that are new. `isAll`: these are all that the store keeps, so that any others can be forgotten. */
  take(read: readonly ReadLists[], isAll: boolean): ReportedIntervention[] {
    const records = eachOnce(read.flatMap(({ found }) => found));
    const fresh = records.filter((record) => !this.#isKnown(record));
    if (isAll) this.#keys = new Set(records.map(recordKey));
    else for (const record of fresh) this.#keys.add(recordKey(record));
    return fresh;
  }

  /**
   * The most texts in a row none of which was there before. A list that came full, and is all new, may have had more
   * new ones than were read of it. Texts count, not records: one that cannot be read, or that came twice, has taken up
   * a place in the list as well; so may each problem.
   */
  runOfNew({ found, problems }: ReadLists): number {
    let [longest, run] = [0, 0];
    for (const record of found) {
      run = record !== null && this.#isKnown(record) ? 0 : run + 1;
      longest = Math.max(longest, run);
    }
    return longest + problems;
  }

  #isKnown(record: ReportedIntervention): boolean {
    return this.#keys.has(recordKey(record));
  }
}
