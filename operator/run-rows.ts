import type { JournalKeeper } from '../store/capabilities/journal.ts';
import type { OpenRun } from './agents.ts';
import { type ListAnswer, partOf } from './lists.ts';
import { MOST_NAMES } from './matched.ts';
import { type Beside, canBeUndone, type EntryState, wholeRun } from './runs.ts';

/** A run with the number of its entries in each state. */
export interface RunRow {
  /** Null: outside any run. */
  readonly run_id: string | null;
  readonly entries: number;
  readonly states: Readonly<Record<EntryState, number>>;
  /** How many can still be undone. */
  readonly reversible: number;
  /** True where an executor has it open, as it last reported. */
  readonly open: boolean;
  /** Whose it is, as far as executors report it and the journal says: at most 100 names. */
  readonly agents: readonly string[];
  /** The names of the executors that have it open. */
  readonly executors: readonly string[];
  /** When the first thing in it was intended; null where nothing was. */
  readonly first_at: string | null;
  /** When it was last heard of. */
  readonly last_at: string;
}

const NO_STATES: Readonly<Record<EntryState, number>> = {
  landed: 0,
  failed: 0,
  not_started: 0,
  unknown: 0,
  in_flight: 0,
  not_landed: 0,
  reversing: 0,
  reversed: 0,
  reverse_failed: 0,
};

async function rowOf(
  journals: JournalKeeper,
  run_id: string | null,
  { open, ...beside }: Beside & { readonly open: OpenRun | undefined },
): Promise<RunRow> {
  const states = { ...NO_STATES };
  const agents = new Set(open?.agents);
  let [entries, reversible, last_at] = [0, 0, open?.at ?? ''];
  let first_at: string | null = null;
  for (const each of await wholeRun(journals, run_id, beside)) {
    const { state, intended_at, reversal, agent_id: agent } = each;
    const at = reversal?.at ?? each.at;
    entries += 1;
    states[state] += 1;
    if (canBeUndone(each)) reversible += 1;
    first_at ??= intended_at;
    if (at > last_at) last_at = at;
    if (agent !== null && agents.size < MOST_NAMES) agents.add(agent);
  }
  const now = { open: open !== undefined, agents: [...agents], executors: open?.executors ?? [] };
  return { run_id, entries, states, reversible, ...now, first_at, last_at };
}

/**
 * A part of the runs: those that are open and have journaled nothing, by their ids; then the others, the one that began
 * last first. @param open the runs that are open
 */
export async function runRows(
  journals: JournalKeeper,
  { skip, limit }: { readonly skip: number; readonly limit: number },
  { open, ...beside }: Beside & { readonly open: ReadonlyMap<string, OpenRun> },
): Promise<ListAnswer<RunRow>> {
  const silent = await notIn(journals, [...open.values()]);
  const first = partOf(silent, { skip, limit });
  const rest = { skip: Math.max(0, skip - silent.length), limit: limit - first.data.length };
  // A page of nothing still says how many there are.
  const { data, count } = await journals.runs({ ...rest, limit: Math.max(1, rest.limit) });
  const rows: RunRow[] = [];
  for (const run of data.slice(0, rest.limit)) {
    const row = await rowOf(journals, run, { ...beside, open: run === null ? undefined : open.get(run) });
    rows.push(row);
  }
  // Outside any run there may be nothing but rollbacks themselves.
  const own = rows.filter(({ entries }) => entries > 0);
  return {
    data: [...first.data.map(silentRow), ...own],
    count: silent.length + count - (rows.length - own.length),
  };
}

/** How many runs are looked up at once. */
const AT_ONCE = 50;

/** Those that have journaled nothing. */
async function notIn(journals: JournalKeeper, open: readonly OpenRun[]): Promise<OpenRun[]> {
  const silent: OpenRun[] = [];
  for (let at = 0; at < open.length; at += AT_ONCE) {
    const some = open.slice(at, at + AT_ONCE);
    const counts = await Promise.all(some.map(({ run_id }) => journals.entriesOf(run_id, { skip: 0, limit: 1 })));
    silent.push(...some.filter((_, each) => counts[each]?.count === 0));
  }
  return silent.sort((a, b) => (a.run_id < b.run_id ? -1 : 1));
}

const silentRow = ({ run_id, agents, executors, at }: OpenRun): RunRow => ({
  ...{ run_id, entries: 0, states: NO_STATES, reversible: 0, open: true, agents, executors },
  ...{ first_at: null, last_at: at },
});
