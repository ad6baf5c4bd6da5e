import { isCanary, type Intervention, reaches, type Target } from '../../flags/index.ts';
import type { JournalEntry, JournalKeeper } from '../../store/capabilities/journal.ts';
import type { ReportedBeat } from '../../store/beats.ts';
import { KEPT_INTERVENTIONS } from '../../store/ports.ts';
import type { ControlConnection } from '../../store/ports.ts';
import { readInterventions, type ReportedIntervention } from '../../store/reports.ts';
import { executorKey } from '../acknowledge.ts';
import { subjectOf } from '../matched.ts';

/** How many runs are looked through, and how many of the last entries of each. */
const [MOST_RUNS, MOST_ENTRIES] = [100, 500];

/** The last entries of one run. */
export async function entriesOf(journals: JournalKeeper, run: string | null): Promise<readonly JournalEntry[]> {
  const { count } = await journals.entriesOf(run, { skip: 0, limit: 1 });
  if (count === 0) return [];
  return (await journals.entriesOf(run, { skip: Math.max(0, count - MOST_ENTRIES), limit: MOST_ENTRIES })).data;
}

/** What was intended lately: in the newest runs, and in those that executors name. */
export async function lastEntries(
  { journals }: Pick<ControlConnection, 'journals'>,
  beats: readonly ReportedBeat[],
): Promise<readonly JournalEntry[]> {
  if (!journals) return [];
  const { data } = await journals.runs({ skip: 0, limit: MOST_RUNS });
  const named = beats.flatMap(({ runs, work = [] }) => [...runs, ...work.map(({ run_id }) => run_id)]);
  const entries: JournalEntry[] = [];
  for (const run of [...new Set([...data, ...named.slice(0, MOST_RUNS)])])
    entries.push(...(await entriesOf(journals, run)));
  return entries;
}

/** What executors have recorded of calls that were not simply let through, and of writes that people are told of. */
export const lastInterventions = async ({
  shelf,
}: Pick<ControlConnection, 'shelf'>): Promise<readonly ReportedIntervention[]> =>
  (await readInterventions(shelf, KEPT_INTERVENTIONS)).interventions;

/** The records of one run. */
export const ofRun = (records: readonly ReportedIntervention[], run: string): readonly Intervention[] =>
  records.filter(({ run_id }) => run_id === run);

/** Whether what was recorded of a call is work that a stop of this target would stop: not what was refused anyway. */
export const isWorkOf = (target: Target, record: ReportedIntervention): boolean =>
  record.verdict !== 'block' &&
  record.verdict !== 'pause' &&
  !isCanary(record.action) &&
  reaches(target, subjectOf({ ...record, feature: record.feature ?? null }));

/** How much work of others was seen. */
export interface Seen {
  readonly starts: number;
  readonly in_flight: number;
}

/** Counts what starts, from when this was made. */
export class Baseline {
  readonly #target: Target;
  readonly #first = new Map<string, number>();
  #isBegun = false;

  constructor(target: Target) {
    this.#target = target;
  }

  /** Takes the reports of one moment; how much has started since the first, and what runs now. */
  take(beats: readonly ReportedBeat[]): Seen {
    let [starts, inFlight] = [0, 0];
    for (const beat of beats) {
      for (const row of beat.starts ?? []) {
        const subject = subjectOf({ ...row, mission_id: null, run_id: null });
        if (isCanary(row.action) || !reaches(this.#target, subject)) continue;
        const key = `${executorKey(beat)}\n${row.agent_id}\n${row.action}`;
        const first = this.#first.get(key) ?? (this.#isBegun ? 0 : row.count);
        this.#first.set(key, Math.min(first, row.count));
        starts += row.count - Math.min(first, row.count);
      }
      const work = (beat.work ?? []).filter((row) => !isCanary(row.action) && reaches(this.#target, subjectOf(row)));
      inFlight += work.length;
    }
    this.#isBegun = true;
    return { starts, in_flight: inFlight };
  }
}
