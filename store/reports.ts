import { z } from 'zod';
import {
  type Checkpoint,
  checkpointSchema,
  type Intervention,
  interventionSchema,
  KillSwitchError,
  quoteId,
  type Seen,
  seenSchema,
  type ShadowRecord,
  type SurfaceRecord,
  surfaceSchema,
} from '../flags/index.ts';
import { byTurns } from './by-turns.ts';
import { type ExecutorScope, KEPT_SEEN, type KeptText, type ListName, type Shelf, type ShelfReader } from './ports.ts';
import { withDeadline } from './with-deadline.ts';

type Reporting = Pick<ExecutorScope, 'executorId' | 'executorName'>;

/** What an executor reports beside its beats, and who it is. */
export interface ExecutorReports extends Reporting {
  record(interventions: readonly Intervention[]): Promise<void>;
  /** Adds what a shadow run would have done, or what a person then did. Resolves when the store has it. */
  recordShadow(record: ShadowRecord): Promise<void>;
  /** Adds what has been met here; the caller tells each thing once. */
  see(records: readonly Seen[]): Promise<void>;
  describe(surfaces: readonly SurfaceRecord[]): Promise<void>;
  saveCheckpoint(checkpoint: Checkpoint): Promise<void>;
  /** The run has ended well: nothing is to be resumed. */
  removeCheckpoint(runId: string): Promise<void>;
  /** @throws KillSwitchError CORRUPT when what is kept cannot be read */
  lastCheckpoint(runId: string): Promise<Checkpoint | null>;
}

export const executorReports = (shelf: Shelf, { executorId, executorName }: Reporting): ExecutorReports => ({
  executorId,
  executorName,
  async record(interventions) {
    const texts = (kind: ReturnType<typeof listOf>): string[] =>
      interventions.filter((record) => listOf(record) === kind).map((record) => JSON.stringify(record));
    const [proposals, notices, others] = [texts('proposals'), texts('notices'), texts('interventions')];
    if (proposals.length > 0) await shelf.appendProposals(proposals);
    if (others.length > 0) await shelf.appendInterventions(others);
    if (notices.length > 0) await shelf.appendNotices(notices);
  },
  recordShadow: (record) => shelf.appendShadow([JSON.stringify(record)]),
  async see(records) {
    if (records.length > 0) await shelf.appendSeen(records.map((record) => JSON.stringify(record)));
  },
  describe: (surfaces) => shelf.put('surfaces', executorId, JSON.stringify(surfaces)),
  removeCheckpoint: (runId) => shelf.remove('checkpoints', runId),
  saveCheckpoint: (checkpoint) => shelf.put('checkpoints', checkpoint.run_id, JSON.stringify(checkpoint)),
  async lastCheckpoint(runId) {
    const text = await shelf.get('checkpoints', runId);
    if (text === null) return null;
    const checkpoint = readable(checkpointSchema, text);
    if (checkpoint) return checkpoint;
    throw new KillSwitchError('CORRUPT', `The checkpoint of the run ${quoteId(runId)} cannot be read.`);
  },
});

/**
 * The same with a deadline: each rejects when the store has not answered within `ms` milliseconds. That changes no
 * decision.
 */
export function reportsInTime(reports: ExecutorReports, ms: number): ExecutorReports {
  const inTime = <T>(work: Promise<T>, what: string): Promise<T> => withDeadline(work, ms, what);
  return {
    executorId: reports.executorId,
    executorName: reports.executorName,
    record: (records) => inTime(reports.record(records), 'record'),
    recordShadow: (record) => inTime(reports.recordShadow(record), 'shadow'),
    see: (records) => inTime(reports.see(records), 'see'),
    describe: (surfaces) => inTime(reports.describe(surfaces), 'describe'),
    removeCheckpoint: (runId) => inTime(reports.removeCheckpoint(runId), 'checkpoint'),
    saveCheckpoint: (checkpoint) => inTime(reports.saveCheckpoint(checkpoint), 'checkpoint'),
    lastCheckpoint: (runId) => inTime(reports.lastCheckpoint(runId), 'checkpoint'),
  };
}

/** The list that a record belongs to. Only a notice is of something that was allowed. */
const listOf = ({ proposal, verdict }: Intervention): 'proposals' | 'notices' | 'interventions' =>
  proposal ? 'proposals' : verdict === 'allow' ? 'notices' : 'interventions';

/** A report, or null where it cannot be read: a broken one must not hide the others. */
export const readable = <T>(schema: z.ZodType<T>, text: string): T | null => {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
};

/**
 * An intervention with its writer, as far as the store knows; null where it cannot tell. The executor's name in the
 * intervention itself may be another's.
 */
export type ReportedIntervention = Intervention & { readonly writer: string | null };

/**
 * The last interventions, notices and proposals of each list that the store keeps, at most `limit` of each, newest
 * first: no list takes the place of another. `unreadable` counts those that could not be read. A batch whose answer was
 * lost is written again: each id of one writer counts once.
 */
export async function readInterventions(
  shelf: ShelfReader,
  limit: number,
  proposalsOnly = false,
): Promise<{ readonly interventions: readonly ReportedIntervention[]; readonly unreadable: number }> {
  const proposals = await newestTexts(shelf, 'proposals', limit);
  const others: KeptText[] = [];
  if (!proposalsOnly)
    for (const kind of ['interventions', 'notices'] as const) others.push(...(await newestTexts(shelf, kind, limit)));
  const texts = [...others, ...proposals];
  const found = texts.map(recordIn);
  const interventions = eachOnce(found).sort((a, b) => compare(b.at, a.at));
  return { interventions, unreadable: found.filter((record) => record === null).length };
}

/** The same key is the same record. */
export const recordKey = ({ writer, id }: Pick<ReportedIntervention, 'writer' | 'id'>): string => `${writer}\n${id}`;

/** The record in a text; null where it is none. */
export function recordIn({ text, writer }: KeptText): ReportedIntervention | null {
  const record = readable(interventionSchema, text);
  return record && { ...record, writer: writer ?? null };
}

/** These records, each once. */
export const eachOnce = (found: readonly (ReportedIntervention | null)[]): ReportedIntervention[] => [
  ...new Map(found.flatMap((record) => (record ? [[recordKey(record), record] as const] : []))).values(),
];

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

/** When a record was made, by its writer's own word; '' where the text is no record. */
const madeAt = (text: string): string => /"at":"([^"]*)"/.exec(text)?.[1] ?? '';

/**
 * The last texts of each list, at most `limit` of each, the newest of all of them last. Problems come before them, as
 * texts that are no records.
 */
export async function newestTexts(shelf: ShelfReader, kind: ListName, limit: number): Promise<readonly KeptText[]> {
  const { texts, problems } = await shelf[kind](limit);
  const newest = texts
    .map((kept) => [madeAt(kept.text), kept] as const)
    .sort(([a], [b]) => compare(a, b))
    .map(([, kept]) => kept);
  return [...problems.map((problem) => ({ text: `(${problem})` })), ...newest];
}

/** What an executor has met, with its writer as far as the store knows. */
export type ReportedSeen = Seen & { readonly writer: string | null };

/** `whole`: false where executors may have met more within that time than could be kept or read. */
export interface SeenLately {
  /** The newest first. */
  readonly records: readonly ReportedSeen[];
  readonly whole: boolean;
}

/** For how long after a moment what was met then is told, in milliseconds. */
const SEEN_FOR_MS = 86_400_000;

/**
 * What executors have met within a day of `now`, the newest first, at most `limit`. A time that lies ahead counts as
 * one behind: an executor's clock may be ahead of the store's, but one that is wrong by days must not be the newest for
 * ever. Of each writer the newest come by turns, so that no number of one's hides those of another. Records that cannot
 * be read are passed over.
 * @param now the store's time, in milliseconds
 */
export async function readSeen(shelf: Pick<ShelfReader, 'seen'>, now: number, limit = 5000): Promise<SeenLately> {
  const { texts, problems } = await shelf.seen(limit);
  const isRecent = ({ at }: { readonly at: number }): boolean => Math.abs(now - at) <= SEEN_FOR_MS;
  const newestFirst = (a: { readonly at: number }, b: { readonly at: number }): number => b.at - a.at;
  const ofWriters = new Map<string | undefined, (KeptText & { readonly at: number })[]>();
  for (const kept of texts) {
    const recent = { ...kept, at: Date.parse(madeAt(kept.text)) };
    const own = ofWriters.get(kept.writer) ?? [];
    ofWriters.set(kept.writer, own);
    if (isRecent(recent)) own.push(recent);
  }
  // Only those that are handed out are parsed: there may be a hundred thousand.
  const newest = byTurns(
    [...ofWriters.values()].map((list) => list.sort(newestFirst)),
    limit,
  );
  const records = newest
    .flatMap(({ text, writer = null }) => {
      const record = readable(seenSchema, text);
      return record ? [{ at: Date.parse(record.at), seen: { ...record, writer } }] : [];
    })
    .filter(isRecent)
    .sort(newestFirst)
    .map(({ seen }) => seen);
  const lists = [...ofWriters.values()];
  const whole = problems.length === 0 && newest.length < limit && lists.every(({ length }) => length < KEPT_SEEN);
  return { records, whole };
}

/** What an executor can do, by its own word. The same id with two writers is two executors. */
export interface ReportedSurfaces {
  readonly id: string;
  readonly writer: string | null;
  /** Null where they cannot be read. */
  readonly records: readonly SurfaceRecord[] | null;
}

/**
 * Parses surfaces one by one up to the first unreadable one: a schema of an array would make an error for each of
 * millions.
 */
function surfacesIn(text: string): SurfaceRecord[] | null {
  const given = readable(z.array(z.unknown()), text);
  if (given === null) return null;
  const surfaces: SurfaceRecord[] = [];
  for (const each of given) {
    const { data } = surfaceSchema.safeParse(each);
    if (!data) return null;
    surfaces.push(data);
  }
  return surfaces;
}

/** Reads what all executors can do. */
export const readSurfaces = async (shelf: ShelfReader): Promise<readonly ReportedSurfaces[]> =>
  (await shelf.all('surfaces')).map(({ id, text, writer = null }) => ({
    id,
    writer,
    records: surfacesIn(text),
  }));
