import { randomUUID } from 'node:crypto';
import { type AutonomyStage, causeRecord, type Decision, type Intervention } from '../flags/index.ts';
import { Rounds } from '../store/rounds.ts';
import type { AttemptState } from './attempt-state.ts';
import type { OutcomeStatus } from './outcome.ts';
import { type RedactInput, redactRecord } from './redact-record.ts';
import type { GuardedSubject } from './subject.ts';

/** Where interventions go. */
export interface InterventionSink {
  readonly executorId: string;
  readonly executorName: string;
  record(records: readonly Intervention[]): Promise<void>;
}

/**
 * What became of what was asked. `skipped`: a tick of a job. `started`: a write that people are told of. What was
 * executed leaves a record where it was approved. `warned`: something is nearly used up, or could not be read, and
 * nothing was refused.
 */
export type RecordedStatus = OutcomeStatus | 'skipped' | 'started' | 'warned';

/** What a record holds beside the decision. */
export interface Circumstances {
  readonly input: unknown;
  readonly original?: unknown;
  readonly status: RecordedStatus;
  /** Where the attempt stood. */
  readonly state: AttemptState['is'];
  readonly idempotencyKey?: string;
}

/**
 * How many records may wait for the store. Further ones are counted and dropped: a decision never waits for its record.
 */
export const MAX_WAITING = 5000;
/** How many may wait where a notice comes: the other half is for what was refused. */
const MOST_BEFORE_NOTICE = MAX_WAITING / 2;
const BATCH = 200;
const FLUSH_MS = 200;

type Classified = Pick<Intervention, 'type' | 'outcome'>;

const WARNED: Classified = { type: 'WARNING', outcome: 'WARNED' };
const MODIFIED: Classified = { type: 'DOWNGRADE', outcome: 'MODIFIED' };
const ESCALATED: Classified = { type: 'APPROVAL_REQUIRED', outcome: 'ESCALATED' };
const APPROVED: Classified = { type: 'APPROVAL_REQUIRED', outcome: 'APPROVED_AFTER_REVIEW' };
const REJECTED: Classified = { type: 'APPROVAL_REQUIRED', outcome: 'REJECTED_AFTER_REVIEW' };
const BLOCKED: Classified = { type: 'HARD_BLOCK', outcome: 'BLOCKED' };

const isRejected = ({ cause }: Decision): boolean => cause.kind === 'approval' && cause.status === 'rejected';

/**
 * By what became of the call, not by the verdict: work that `draft_only` has stopped was aborted, and nothing was
 * drafted. Only of a tick that was skipped it is the verdict that says how hard that was.
 */
const CLASSES: Readonly<Record<RecordedStatus, (decision: Decision) => Classified>> = {
  executed: () => APPROVED,
  redirected: () => MODIFIED,
  drafted: () => MODIFIED,
  held: () => ESCALATED,
  paused: () => WARNED,
  blocked: (decision) => (isRejected(decision) ? REJECTED : BLOCKED),
  aborted: () => BLOCKED,
  skipped: ({ verdict }) => (verdict === 'pause' ? WARNED : BLOCKED),
  started: () => WARNED,
  warned: () => WARNED,
};

/** What would have been done, for a person to see; `input` is redacted. */
export interface Proposal {
  readonly proposalId: string;
  readonly input: unknown;
}

/** Is told of each record of a call that was not simply let through, whether it is kept or not. Must not throw. */
export type OnIntervention = (subject: GuardedSubject, type: Intervention['type'], status: RecordedStatus) => void;

/** The autonomy stage that is set for an action; undefined where none is. */
export type AutonomyOf = (action: string) => AutonomyStage | undefined;

/** Records every decision that is not `allow`: a bounded buffer, written to the store in batches. */
export class Interventions {
  readonly #sink: InterventionSink | null;
  readonly #redactInput: RedactInput | undefined;
  readonly #autonomyOf: AutonomyOf;
  readonly #onIntervention: OnIntervention;
  #waiting: Intervention[] = [];
  #dropped = 0;
  /** How many of the dropped ones a stored record has counted. */
  #reported = 0;
  /**
   * Writes one batch after the other while records wait. A batch that the store does not take waits for the next flush.
   */
  readonly #batches = new Rounds({
    round: () => this.#writeBatch(),
    goesOn: ({ is }) => is === 'done' && this.#waiting.length > 0,
    onRest: ({ is }) => {
      if (is === 'failed') this.#flushLater(5 * FLUSH_MS);
    },
  });
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    sink: InterventionSink | null,
    redactInput?: RedactInput,
    autonomyOf: AutonomyOf = () => undefined,
    onIntervention: OnIntervention = () => {},
  ) {
    this.#sink = sink;
    this.#redactInput = redactInput;
    this.#autonomyOf = autonomyOf;
    this.#onIntervention = onIntervention;
  }

  /** How many records were dropped because the store did not take them in time. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Records a decision. Copies the input, does no I/O, never throws. */
  add(decision: Decision, subject: GuardedSubject, circumstances: Circumstances): void {
    this.prepare(decision, subject, circumstances)();
  }

  /**
   * As `add`, in two steps: work that may take long or run code of the application (its `redact`) is done now; the
   * returned function only queues the record.
   */
  prepare(decision: Decision, subject: GuardedSubject, circumstances: Circumstances): () => void {
    if (!this.#sink) return () => {};
    const { status } = circumstances;
    const { type } = CLASSES[status](decision);
    const isFull = this.#closed || this.#waiting.length >= MAX_WAITING;
    const record = isFull ? null : this.#build(this.#sink, decision, subject, circumstances, false);
    return () => {
      if (record) this.#keep(record);
      else this.#drop();
      if (status !== 'warned') this.#onIntervention(subject, type, status);
    };
  }

  /** Warns of something beside a call that goes on. */
  warn(decision: Decision, subject: GuardedSubject, input: unknown, state: AttemptState['is']): void {
    this.add(decision, subject, { input, status: 'warned', state });
  }

  /**
   * Tells people of a write that has just started, where its action is `human_on_the_loop`. A record like others: no
   * call waits for it, and what does not fit is counted and dropped.
   */
  notice(
    decision: Decision,
    subject: GuardedSubject,
    started: { readonly input: unknown; readonly key: () => string },
  ) {
    const { action, effect } = subject;
    if (effect !== 'write' || action === undefined || decision.verdict !== 'allow') return;
    if (this.#sink === null || this.#autonomyOf(action) !== 'human_on_the_loop') return;
    if (this.#waiting.length >= MOST_BEFORE_NOTICE) return this.#drop();
    const cause = { kind: 'autonomy', action, stage: 'human_on_the_loop' } as const;
    const { input } = started;
    const circumstances = { input, status: 'started', state: 'executing', idempotencyKey: started.key() } as const;
    this.#keep(this.#build(this.#sink, { ...decision, cause }, subject, circumstances, false));
  }

  #drop(): void {
    this.#dropped += 1;
  }

  #keep(record: Intervention): void {
    if (this.#closed || this.#waiting.length >= MAX_WAITING) return this.#drop();
    this.#waiting.push(record);
    if (this.#waiting.length >= BATCH) void this.flush();
    else this.#flushLater(FLUSH_MS);
  }

  #flushLater(ms: number): void {
    this.#timer ??= setTimeout(() => void this.flush(), ms).unref();
  }

  /** Records what would have been done as a proposal, for a person to see. Resolves when the store has it. */
  async propose(decision: Decision, subject: GuardedSubject, input: unknown): Promise<Proposal> {
    if (!this.#sink) throw new Error('this switch has no store to record it in.');
    const record = this.#build(this.#sink, decision, subject, { input, status: 'drafted', state: 'drafted' }, true);
    await this.#sink.record([record]);
    this.#onIntervention(subject, record.type, 'drafted');
    return { proposalId: record.id, input: record.input };
  }

  /**
   * Writes the waiting records. Those that the store does not take stay, up to the bound, and are tried again with the
   * next flush.
   */
  flush(): Promise<void> {
    return this.#batches.begin();
  }

  /** Writes the waiting records, with one more try, and ends. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.flush();
    if (this.#waiting.length > 0) await this.flush();
    await this.#batches.close();
    clearTimeout(this.#timer);
  }

  /**
   * @throws the store's error. The records are kept for the next try: a store that takes no records confirms nothing
   * either, so everything stops by the lease.
   */
  async #writeBatch(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#waiting.slice(0, BATCH);
    const [first] = batch;
    if (!this.#sink || !first) return;
    const dropped = this.#dropped;
    const lost = dropped > this.#reported ? [this.#lost(this.#sink, first)] : [];
    await this.#sink.record([...batch, ...lost]);
    this.#waiting.splice(0, batch.length);
    this.#reported = dropped;
  }

  #build(
    sink: InterventionSink,
    decision: Decision,
    subject: GuardedSubject,
    { input, original, status, state, idempotencyKey }: Circumstances,
    proposal: boolean,
  ): Intervention {
    return {
      id: randomUUID(),
      at: new Date().toISOString(),
      executor_id: sink.executorId,
      executor_name: sink.executorName,
      ...CLASSES[status](decision),
      verdict: decision.verdict,
      status,
      state,
      action: subject.action ?? null,
      effect: subject.effect,
      surface: subject.surface ?? null,
      agent_id: subject.agentId ?? null,
      run_id: subject.runId ?? null,
      mission_id: subject.missionId ?? null,
      mode: decision.mode,
      epoch: decision.epoch,
      cause: causeRecord(decision.cause),
      input: this.#redact(input, subject),
      ...(original !== undefined && { original_input: this.#redact(original, subject) }),
      proposal,
      ...(subject.feature !== undefined && { feature: subject.feature }),
      ...(idempotencyKey !== undefined && { idempotency_key: idempotencyKey }),
      ...(subject.action !== undefined &&
        this.#autonomyOf(subject.action) === 'trusted' && { notifies: false as const }),
    };
  }

  /** The record that says how many records were dropped. */
  #lost({ executorId, executorName }: InterventionSink, beside: Intervention): Intervention {
    const count = this.#dropped - this.#reported;
    const message = `${count} records of this executor were dropped: the store did not take them in time`;
    return {
      id: randomUUID(),
      at: new Date().toISOString(),
      executor_id: executorId,
      executor_name: executorName,
      type: 'WARNING',
      outcome: 'WARNED',
      verdict: beside.verdict,
      status: `${count} dropped`,
      state: 'unknown',
      action: null,
      effect: beside.effect,
      surface: null,
      agent_id: null,
      run_id: null,
      mission_id: null,
      mode: beside.mode,
      epoch: beside.epoch,
      cause: causeRecord({ kind: 'fault', code: 'JOURNAL_UNAVAILABLE', message }),
      input: null,
      proposal: false,
    };
  }

  #redact(input: unknown, { action }: GuardedSubject): unknown {
    return redactRecord(input, action, this.#redactInput);
  }
}
