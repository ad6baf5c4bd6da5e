import { CANARY, type Drilled, type Head, MOST_DRILLED, reaches, type Target } from '../../flags/index.ts';
import type { ReportedBeat } from '../../store/beats.ts';
import type { JournalEntry } from '../../store/capabilities/journal.ts';
import type { ReportedIntervention } from '../../store/reports.ts';
import { acknowledge, executorKey } from '../acknowledge.ts';
import type { Heard } from '../hearing.ts';
import { subjectOf } from '../matched.ts';

/** What was recorded, when by the store's clock in milliseconds, and how long there is to obey. */
export interface Pressed {
  readonly target: Target;
  readonly head: Head;
  readonly at: number;
  readonly windowMs: number;
}

/** The report by which an executor has first acknowledged: by its own clock, and by the store's. */
interface Acknowledged {
  readonly own: number;
  readonly store: number;
}

interface Watched {
  readonly id: string;
  readonly name: string;
  acknowledged: Acknowledged | null;
  drained: number | null;
  /** Its last report, by its own clock. */
  heardOwn: number;
  /** By how much the store's clock is ahead of its own, as far as its reports say: the least, and the most. */
  readonly ahead: { least: number; most: number };
  /** What has started too late, each once, by its reports. */
  readonly late: Set<string>;
  /** The same by the journal. */
  readonly lateIntents: Set<string>;
  /** What it has refused by this stop, by the ids of the records. */
  readonly refused: Set<string>;
  isGone: boolean;
}

/** When the store was given a report, by its own clock. */
const storeTimeOf = ({ at, heard_at = at }: ReportedBeat): number => Date.parse(heard_at);

/**
 * What executors show after a stop: when each has applied it, when its work had ended, and whether anything started
 * that the stop reaches. A start is compared with the report by which its executor has acknowledged by that executor's
 * own clock, so no two clocks are compared; with the deadline it is compared by the least difference that its reports
 * show, so a start is never taken for an earlier one. What the drill itself undoes, under its stop, is none.
 */
export class Watching {
  readonly #pressed: Pressed;
  readonly #watched = new Map<string, Watched>();

  constructor(pressed: Pressed) {
    this.#pressed = pressed;
  }

  /** Takes the executors' reports of one moment. */
  take({ beats, head, time }: Heard): void {
    const { head: pressed, target, at } = this.#pressed;
    const there = new Set<string>();
    for (const beat of beats) {
      const key = executorKey(beat);
      there.add(key);
      const required = { head: pressed, reach: target, store: head ?? pressed, time };
      const state = acknowledge([beat], required, 0).executors[0]?.state;
      const watched = this.#of(key, beat);
      if (beat.problem !== undefined) continue;
      const [own, store] = [Date.parse(beat.at), storeTimeOf(beat)];
      watched.heardOwn = own;
      watched.ahead.least = Math.min(watched.ahead.least, store - own);
      watched.ahead.most = Math.max(watched.ahead.most, store - own);
      const hasApplied = state === 'stopped' || state === 'draining';
      if (hasApplied) watched.acknowledged ??= { own, store: Math.max(store, at) };
      if (state === 'stopped') watched.drained ??= Math.max(store, at);
      this.#noteStarts(watched, beat);
    }
    for (const [key, watched] of this.#watched) watched.isGone = !there.has(key);
  }

  #of(key: string, { id, name }: ReportedBeat): Watched {
    const known = this.#watched.get(key);
    if (known) return known;
    const watched: Watched = {
      ...{ id, name, acknowledged: null, drained: null, heardOwn: 0, isGone: false },
      ahead: { least: Number.POSITIVE_INFINITY, most: Number.NEGATIVE_INFINITY },
      ...{ late: new Set<string>(), lateIntents: new Set<string>(), refused: new Set<string>() },
    };
    this.#watched.set(key, watched);
    return watched;
  }

  #noteStarts(watched: Watched, { starts = [], work = [] }: ReportedBeat): void {
    const { target } = this.#pressed;
    const rows = [
      ...starts.map((row) => ({ row: { ...row, mission_id: null, run_id: null }, time: row.last_at })),
      ...work.map((row) => ({ row, time: row.since })),
    ];
    for (const { row, time } of rows)
      if (row.action !== CANARY.undo && reaches(target, subjectOf(row)) && this.#isLate(watched, Date.parse(time)))
        watched.late.add(`${row.agent_id}\n${row.action}\n${time}`);
  }

  /** @param own when it started, by the clock of its executor */
  #isLate({ acknowledged, ahead }: Watched, own: number): boolean {
    const { at, windowMs } = this.#pressed;
    return (acknowledged !== null && own > acknowledged.own) || own + ahead.least > at + windowMs;
  }

  /** Takes what the journal has; the store has dated it. What did not start is not late. */
  takeEntries(entries: readonly JournalEntry[]): void {
    const { target, at, windowMs } = this.#pressed;
    for (const entry of entries) {
      const watched = [...this.#watched.values()].find(({ id }) => id === entry.executor_id);
      if (!watched || entry.rollback || entry.state === 'not_started') continue;
      const { run_id: runId, agent_id: agentId, mission_id: missionId, action, lineage } = entry;
      const subject = {
        ...{ runId: runId ?? undefined, agentId: agentId ?? undefined, missionId: missionId ?? undefined, action },
        ...{ lineageAgents: lineage?.agents, lineageMissions: lineage?.missions, lineageRuns: lineage?.runs },
      };
      const deadline = Math.min(watched.acknowledged?.store ?? Number.POSITIVE_INFINITY, at + windowMs);
      if (reaches(target, subject) && Date.parse(entry.intended_at) > deadline) watched.lateIntents.add(entry.id);
    }
  }

  /** Takes what executors have recorded of calls: what they have refused by this stop, and what they have let start. */
  takeInterventions(records: readonly ReportedIntervention[], killId: string): void {
    const { target } = this.#pressed;
    for (const record of records) {
      const watched = [...this.#watched.values()].find(({ id }) => id === record.executor_id);
      if (!watched) continue;
      const surface = { surface: record.surface, feature: record.feature ?? null };
      const isReached = record.action !== CANARY.undo && reaches(target, subjectOf({ ...record, ...surface }));
      if (record.status === 'started' && isReached && this.#isLate(watched, Date.parse(record.at)))
        watched.late.add(`${record.agent_id}\n${record.action}\n${record.at}`);
      if (record.verdict !== 'allow' && record.cause['kind'] === 'kill' && record.cause['kill_id'] === killId)
        watched.refused.add(record.id);
    }
  }

  /** True when every executor has acknowledged, and all that the stop reaches has ended there. */
  get isDrained(): boolean {
    return this.#present.every(({ drained }) => drained !== null);
  }

  get isAcknowledged(): boolean {
    return this.#present.every(({ acknowledged }) => acknowledged !== null);
  }

  /** True when each has reported once more, so long after it had acknowledged. */
  hasHeardAgain(ms: number): boolean {
    return this.#present.every(({ acknowledged, heardOwn }) => acknowledged && heardOwn >= acknowledged.own + ms);
  }

  get #present(): readonly Watched[] {
    return [...this.#watched.values()].filter(({ isGone }) => !isGone);
  }

  /** By how much a time may be wrong where it is an executor's own, in milliseconds. */
  get errorMs(): number {
    const spreads = [...this.#watched.values()].map(({ ahead }) => ahead.most - ahead.least);
    return Math.ceil(Math.max(0, ...spreads.filter(Number.isFinite)));
  }

  /** What there is to say of each executor, and what of it has failed. */
  measured(): { readonly executors: readonly Drilled[]; readonly more: number; readonly findings: readonly string[] } {
    const { at, windowMs } = this.#pressed;
    const findings: string[] = [];
    const all = [...this.#watched.values()].map((watched): Drilled => {
      const { id, name, acknowledged, drained, late, lateIntents, refused, isGone } = watched;
      const acknowledged_ms = acknowledged && acknowledged.store - at;
      const drained_ms = drained === null ? null : drained - at;
      const late_starts = Math.max(late.size, lateIntents.size);
      const who = `${name} (${id})`;
      if (isGone && drained === null) findings.push(`${who} has left before it had come to rest.`);
      else if (acknowledged_ms === null) findings.push(`${who} did not acknowledge the stop within ${windowMs} ms.`);
      else if (acknowledged_ms > windowMs)
        findings.push(`${who} took ${acknowledged_ms} ms to acknowledge the stop, more than ${windowMs} ms.`);
      else if (drained === null)
        findings.push(`${who} still has work in flight that the stop reaches: it does not heed its signal.`);
      if (late_starts > 0)
        findings.push(
          `${who} has started ${late_starts === 1 ? 'an action' : `${late_starts} actions`} that the stop reaches after it had acknowledged it, or after ${windowMs} ms.`,
        );
      return { id, name, acknowledged_ms, drained_ms, late_starts, refused: refused.size };
    });
    // What is slow or wrong is named, also where not all can be.
    const rank = ({ acknowledged_ms: ms, late_starts }: Drilled): number =>
      late_starts > 0 || ms === null ? Number.POSITIVE_INFINITY : ms;
    const named = all.toSorted((a, b) => (rank(a) === rank(b) ? 0 : rank(b) - rank(a))).slice(0, MOST_DRILLED);
    return { executors: named, more: all.length - named.length, findings };
  }
}
