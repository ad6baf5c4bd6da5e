import {
  agreementOf,
  type Entry,
  type FeatureEvidence,
  type FeatureRequirement,
  type FeatureStage,
  missingEvidence,
} from '../flags/index.ts';
import type { ReportedIntervention } from '../store/reports.ts';
import type { ReportedOutcome, ReportedShadowRun, ShadowRecords } from '../store/shadow-records.ts';

/** How many writers are shown; those that have reported most. */
const MOST_WRITERS = 20;

/** How many runs without an outcome are named. */
const MOST_UNJUDGED = 5;

/**
 * How far ahead of the store's clock a record's time may be, in milliseconds: executors have clocks of their own, but
 * nobody has seen tomorrow.
 */
const AHEAD_MS = 60_000;

/** How much of the evidence one writer has reported. A `null` writer is one that the store does not tell apart. */
export interface EvidenceWriter {
  readonly writer: string | null;
  readonly shadow_runs: number;
  readonly outcomes: number;
}

/** A shadow run beside which no outcome stands: `recordOutcome({ feature, runId, action, agreed })` says one. */
export interface UnjudgedRun {
  readonly run_id: string;
  readonly action: string;
}

/** What executors have reported of a feature since it came into shadow, and what a promotion still lacks. */
export interface Evidence extends FeatureEvidence {
  readonly feature: string;
  readonly stage: FeatureStage;
  /** From when on reports count; null: the feature has not been in shadow since it was last dark. */
  readonly since: string | null;
  /** The share of the judged runs in which a person did the same; null where none was judged. */
  readonly agreement: number | null;
  readonly requirement: FeatureRequirement | null;
  /** What the requirement still lacks, in words; empty where it is met, or there is none. */
  readonly missing: readonly string[];
  readonly writers: readonly EvidenceWriter[];
  /** How many more writers there are. */
  readonly more_writers: number;
  /** The runs without an outcome, at most the first 5. */
  readonly unjudged: readonly UnjudgedRun[];
  /** Outcomes of this time without a shadow run beside them, which count for nothing. */
  readonly unmatched: number;
  /** Records of this feature that do not count: of before, or of a time that has not come. */
  readonly ignored: number;
  /** Records of any feature that could not be read. */
  readonly unreadable: number;
}

/** What all executors have reported. */
export interface Reports extends ShadowRecords {
  readonly interventions: readonly ReportedIntervention[];
}

/** A run of an action: what counts once. */
const unit = ({ run_id, action }: { readonly run_id: string | null; readonly action: string | null }): string =>
  JSON.stringify([run_id, action]);

/**
 * What the reports say of a feature. A shadow run is a run of an action, whatever the number of its calls, and has the
 * outcome that was recorded last. Nothing of it changes a decision by itself.
 * @param now the store's time, RFC 3339
 */
export function evidenceOf(
  feature: string,
  entry: Entry<'feature'> | undefined,
  reports: Reports,
  now: string,
): Evidence {
  const since = entry?.shadow_since ?? null;
  const latest = new Date(Date.parse(now) + AHEAD_MS).toISOString();
  const counts = ({ at }: { readonly at: string }): boolean => since !== null && at >= since && at <= latest;
  const ofFeature = <T extends { readonly feature?: string | undefined }>(records: readonly T[]): T[] =>
    records.filter((record) => record.feature === feature);
  const [allRuns, allOutcomes] = [ofFeature(reports.runs), ofFeature(reports.outcomes)];
  const calls = allRuns.filter((run) => counts(run) && run.run_id !== null);
  const outcomes = allOutcomes.filter(counts);
  const runs = new Set(calls.map(unit));
  const last = lastOutcomes(outcomes);
  const judged = [...last].filter(([of]) => runs.has(of)).map(([, outcome]) => outcome);
  const unresolved = ofFeature(reports.interventions).filter(
    (record) => counts(record) && asksForAPerson(record) && !last.has(unit(record)),
  );
  const numbers: FeatureEvidence = {
    shadow_runs: runs.size,
    days: new Set(calls.map(({ at }) => at.slice(0, 10))).size,
    judged: judged.length,
    agreed: judged.filter(({ agreed }) => agreed).length,
    unresolved: unresolved.length,
  };
  const requirement = entry?.requirement ?? null;
  return {
    feature,
    stage: entry?.stage ?? 'dark',
    since,
    ...numbers,
    agreement: agreementOf(numbers),
    requirement,
    missing: requirement ? missingEvidence(requirement, numbers) : [],
    ...writersOf(calls, outcomes),
    unjudged: unjudgedOf(calls, last),
    unmatched: last.size - judged.length,
    ignored: allRuns.length - calls.length + allOutcomes.length - outcomes.length,
    unreadable: reports.unreadable,
  };
}

function unjudgedOf(
  calls: readonly ReportedShadowRun[],
  last: ReadonlyMap<string, ReportedOutcome>,
): readonly UnjudgedRun[] {
  const found = new Map<string, UnjudgedRun>();
  for (const call of calls.toSorted((a, b) => a.at.localeCompare(b.at))) {
    const { run_id: runId, action } = call;
    if (runId !== null && !last.has(unit(call))) found.set(unit(call), { run_id: runId, action });
    if (found.size === MOST_UNJUDGED) break;
  }
  return [...found.values()];
}

/** The last outcome of each run of an action; of two of the same time the one that does not agree. */
function lastOutcomes(outcomes: readonly ReportedOutcome[]): ReadonlyMap<string, ReportedOutcome> {
  const last = new Map<string, ReportedOutcome>();
  for (const outcome of outcomes) {
    const before = last.get(unit(outcome));
    if (!before || outcome.at > before.at || (outcome.at === before.at && !outcome.agreed))
      last.set(unit(outcome), outcome);
  }
  return last;
}

/** What an operator or a stage restricts is meant so; all else that stopped a call is for a person to look at. */
const MEANT: readonly unknown[] = ['mode', 'kill', 'rule', 'feature', 'autonomy'];

const asksForAPerson = ({ verdict, status, cause }: ReportedIntervention): boolean =>
  status === 'aborted' || (verdict === 'block' && !MEANT.includes(cause['kind']));

function writersOf(
  runs: readonly ReportedShadowRun[],
  outcomes: readonly ReportedOutcome[],
): Pick<Evidence, 'writers' | 'more_writers'> {
  const units = new Map<string | null, { readonly runs: Set<string>; readonly outcomes: Set<string> }>();
  const of = (writer: string | null) => {
    const own = units.get(writer) ?? { runs: new Set(), outcomes: new Set() };
    units.set(writer, own);
    return own;
  };
  for (const run of runs) of(run.writer).runs.add(unit(run));
  for (const outcome of outcomes) of(outcome.writer).outcomes.add(unit(outcome));
  const all = [...units]
    .map(([writer, own]): EvidenceWriter => ({ writer, shadow_runs: own.runs.size, outcomes: own.outcomes.size }))
    .sort((a, b) => b.shadow_runs + b.outcomes - (a.shadow_runs + a.outcomes));
  return { writers: all.slice(0, MOST_WRITERS), more_writers: Math.max(0, all.length - MOST_WRITERS) };
}

/** Only the numbers, as an event has them. */
export const evidenceNumbers = ({ shadow_runs, days, judged, agreed, unresolved }: Evidence): FeatureEvidence => ({
  shadow_runs,
  days,
  judged,
  agreed,
  unresolved,
});
