import { type ShadowOutcome, type ShadowRun, shadowRecordSchema } from '../flags/index.ts';
import { KEPT_SHADOW, type ShelfReader } from './ports.ts';
import { readable } from './reports.ts';

/** A record with its writer as far as the store knows; null where it cannot tell. */
type Reported<T> = T & { readonly writer: string | null };

export type ReportedShadowRun = Reported<ShadowRun>;
export type ReportedOutcome = Reported<ShadowOutcome>;

/** What executors have recorded of shadow runs, in no order. */
export interface ShadowRecords {
  readonly runs: readonly ReportedShadowRun[];
  readonly outcomes: readonly ReportedOutcome[];
  /** How many records could not be read, or were left out. */
  readonly unreadable: number;
}

/**
 * All that the store keeps of shadow runs and outcomes. A record whose answer was lost is written again: each id of one
 * writer counts once.
 */
export async function readShadow(shelf: Pick<ShelfReader, 'shadow'>): Promise<ShadowRecords> {
  const { texts, problems } = await shelf.shadow(KEPT_SHADOW);
  const runs = new Map<string, ReportedShadowRun>();
  const outcomes = new Map<string, ReportedOutcome>();
  let unreadable = problems.length;
  for (const { text, writer = null } of texts) {
    const record = readable(shadowRecordSchema, text);
    if (!record) unreadable += 1;
    else if (record.kind === 'shadow') runs.set(`${writer}\n${record.id}`, { ...record, writer });
    else outcomes.set(`${writer}\n${record.id}`, { ...record, writer });
  }
  return { runs: [...runs.values()], outcomes: [...outcomes.values()], unreadable };
}
