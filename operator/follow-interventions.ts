import { setTimeout as sleep } from 'node:timers/promises';
import { notify } from '../flags/callbacks.ts';
import { handlingOf, messageOf } from '../flags/index.ts';
import { KEPT_INTERVENTIONS, KEPT_PROPOSALS, type ShelfReader } from '../store/ports.ts';
import { type ReportedIntervention, recordKey, recordsIn } from '../store/reports.ts';
import { untilEnded } from './until-ended.ts';

/** How often the store is asked, in milliseconds. */
const POLL_MS = 1000;
/** How much of each list is read in one poll. Where more may have come, all that is kept is read. */
const PER_POLL = 1000;
const KEPT = Math.max(KEPT_INTERVENTIONS, KEPT_PROPOSALS);
/** How many keys are remembered before those are forgotten that the store does not keep any more. */
const MOST_KNOWN = 200_000;

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
 * Each intervention as it is reported, until `signal` fires or the iterator is returned. Executors report late, and
 * their clocks differ, so one is new that was not there before, whatever its time.
 * @throws KillSwitchError CLOSED
 */
export function followInterventions(
  source: { readonly shelf: ShelfReader; readonly closed: AbortSignal },
  following: FollowingInterventions,
): AsyncIterableIterator<ReportedIntervention> {
  const { closed, shelf } = source;
  return untilEnded((signal) => newOnes(shelf, { ...following, signal }), { signal: following.signal, closed });
}

async function* newOnes(
  shelf: ShelfReader,
  { matches, proposals, withKept, signal, onTrouble }: FollowingInterventions,
): AsyncGenerator<ReportedIntervention> {
  const known = new KnownRecords();
  let troubled = false;
  let answered = false;
  while (!signal.aborted) {
    let fresh: readonly ReportedIntervention[] = [];
    try {
      const isWhole = !answered || known.isFull;
      fresh = known.take(await read(shelf, isWhole ? KEPT : PER_POLL, proposals), isWhole);
      if (!isWhole && mayBeMore(fresh)) fresh = [...fresh, ...known.take(await read(shelf, KEPT, proposals), true)];
      if (!answered && !withKept) fresh = [];
      answered = true;
      if (troubled) notify(onTrouble, '');
      troubled = false;
    } catch (error) {
      if (signal.aborted) return;
      const { follow } = handlingOf(error);
      if (follow === 'end' || (follow === 'wait once answered' && !answered)) throw error;
      if (!troubled) notify(onTrouble, messageOf(error));
      troubled = true;
    }
    for (const record of fresh.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at)))
      if (matches(record)) yield record;
    await sleep(POLL_MS, undefined, { signal }).catch(() => {}); // aborted: the loop ends
  }
}

async function read(shelf: ShelfReader, limit: number, proposalsOnly: boolean): Promise<ReportedIntervention[]> {
  const lists = [await shelf.proposals(limit), ...(proposalsOnly ? [] : [await shelf.interventions(limit)])];
  return recordsIn(lists.flatMap(({ texts }) => texts)).records;
}

/** The records that were there already. */
class KnownRecords {
  #keys = new Set<string>();

  get isFull(): boolean {
    return this.#keys.size > MOST_KNOWN;
  }

  /** Those that are new. `isAll`: these are all that the store keeps, so that any others can be forgotten. */
  take(records: readonly ReportedIntervention[], isAll: boolean): ReportedIntervention[] {
    const fresh = records.filter((record) => !this.#keys.has(recordKey(record)));
    if (isAll) this.#keys = new Set(records.map(recordKey));
    else for (const record of fresh) this.#keys.add(recordKey(record));
    return fresh;
  }
}

/** True where one list may have had more new ones than were read of it. */
function mayBeMore(fresh: readonly ReportedIntervention[]): boolean {
  const counts = new Map<string | null, number>();
  for (const { writer } of fresh) counts.set(writer, (counts.get(writer) ?? 0) + 1);
  return [...counts.values()].some((each) => each >= PER_POLL);
}
