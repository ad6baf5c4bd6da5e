import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import {
  type Beat,
  type Call,
  type Clock,
  type Fault,
  type FaultCode,
  faultReading,
  type Instant,
  invalid,
  isKillSwitchError,
  type KillSwitchErrorCode,
  LEASE_MS,
  type LogEvent,
  messageOf,
  type Reading,
  resolveMode,
  type State,
  type SurfaceRecord,
} from '../flags/index.ts';
import { LiveCopy, type ReplyOutcome } from './live-copy.ts';
import { type ExecutorConnection, type ExecutorStore, LOAD_MS, type Push } from './ports.ts';
import { type ExecutorReports, executorReports } from './reports.ts';
import { withDeadline } from './with-deadline.ts';

/** What a replica tells its listeners. `changed` names the state's entries; the others are what it can be trusted for from now on. */
export type ReplicaEvent =
  /** `at`: when the last of these changes was appended, by the store's clock; null where it is not known. */
  | { readonly type: 'changed'; readonly keys: readonly string[]; readonly at: string | null }
  | { readonly type: 'ready' }
  | { readonly type: 'stale'; readonly fault: Fault }
  | { readonly type: 'fault'; readonly fault: Fault };

/** What an executor says about its work, in each beat. */
export interface Work {
  readonly inFlight: number;
  /** How many of them a restriction has reached, so that they must end or wait. */
  readonly draining: number;
  readonly agents: readonly string[];
  readonly runs: readonly string[];
}

export interface ReplicaOptions {
  readonly store: ExecutorStore;
  readonly organizationId: string;
  readonly leaseMs: number;
  readonly executorName?: string | undefined;
  readonly clock?: Clock | undefined;
  readonly work?: (() => Work) | undefined;
  /** What can act here, when that has changed since it was last asked for; null when it has not. */
  readonly surfaces?: (() => readonly SurfaceRecord[] | null) | undefined;
}

/**
 * When an executor reports a change that was pushed to it, in milliseconds: at a moment of its own between these, because a thousand of them
 * that hear the same kill would all ask the store while it still tells the rest.
 */
const REPORT_AFTER_MS = [5, 25] as const;

/** Both clocks of this machine. */
export const systemClock: Clock = () => ({ mono: performance.now(), wall: Date.now() });

/** The version that executors report. */
export const VERSION = '0.1.0';

const FAULT_CODES: Partial<Record<KillSwitchErrorCode, FaultCode>> = {
  STORE_UNREACHABLE: 'STORE_UNREACHABLE',
  STORE_READ_ONLY: 'STORE_READ_ONLY',
  NETWORK_FILESYSTEM: 'STORE_UNREACHABLE',
  CORRUPT: 'STORE_CORRUPT',
  UNKNOWN_EVENT: 'STORE_CORRUPT',
};

const faultFrom = (error: unknown): Fault => ({
  code: (isKillSwitchError(error) && FAULT_CODES[error.code]) || 'INTERNAL',
  message: messageOf(error),
});

const NO_WORK: Work = { inFlight: 0, draining: 0, agents: [], runs: [] };

/** @throws KillSwitchError INVALID_ARGUMENT */
export function checkLeaseMs(leaseMs: number): number {
  if (!Number.isFinite(leaseMs) || leaseMs < LEASE_MS.min || leaseMs > LEASE_MS.max) {
    throw invalid(`leaseMs must be from ${LEASE_MS.min} to ${LEASE_MS.max} milliseconds, not ${leaseMs}.`);
  }
  return leaseMs;
}

/**
 * The live, leased copy of the switch that provider and guard share: loads, follows, confirms at least every third of the lease, reloads after a gap.
 * It never rejects: an unreachable store is a fault, and a fault is `full_stop`.
 */
export class Replica {
  readonly organizationId: string;
  readonly executorId: string = randomUUID();
  readonly leaseMs: number;
  readonly location: string;
  readonly #options: ReplicaOptions;
  readonly #clock: Clock;
  readonly #connection: ExecutorConnection;
  readonly #copy: LiveCopy;
  readonly #reports: ExecutorReports;
  readonly #pushed: LogEvent[] = [];
  #undescribed: readonly SurfaceRecord[] | null = null;
  readonly #listeners = new Set<(event: ReplicaEvent) => void>();
  readonly #startedAt: string;
  readonly #requestMs: number;
  #trouble: Fault | null = null;
  /** What listeners were last told: what the copy can be trusted for, and which fault is to blame. */
  #status: string | null = null;
  #stopFollowing: (() => void) | null = null;
  #cycle: Promise<void> | null = null;
  #again = false;
  /** The lease was found over since the present try began; unlike `#again` it counts also when that try fails. */
  #leaseEnded = false;
  #immediate: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #leaseTimer: NodeJS.Timeout | undefined;
  #reportTimer: NodeJS.Timeout | undefined;
  #closed: Promise<void> | null = null;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.organizationId = options.organizationId;
    this.leaseMs = checkLeaseMs(options.leaseMs);
    this.location = options.store.location;
    this.#clock = options.clock ?? systemClock;
    this.#startedAt = new Date(this.#clock().wall).toISOString();
    this.#requestMs = Math.max(100, Math.floor(this.leaseMs / 3));
    this.#connection = options.store.open({
      organizationId: options.organizationId,
      executorId: this.executorId,
      executorName: this.executorName,
      requestTimeoutMs: this.#requestMs,
    });
    this.#reports = executorReports(this.#connection.shelf, this.executorId);
    this.#copy = new LiveCopy({
      leaseMs: this.leaseMs,
      keeper: this.#connection.anchor,
      organizationId: this.organizationId,
      signal: () => this.#tellChanges(),
    });
  }

  get executorName(): string {
    return this.#options.executorName ?? 'executor';
  }

  /** Loads and confirms for the first time. Resolves when that has succeeded or failed; asking again gives the same start. */
  async start(): Promise<void> {
    if (this.#closed) return;
    this.#stopFollowing ??= this.#connection.follow((push) => this.#onPush(push));
    await this.#run();
  }

  /** Why nothing may be decided now, or null. Compares the lease with both clocks; no I/O. */
  fault(): Fault | null {
    if (this.#closed) return { code: 'CLOSED', message: 'this switch has been closed' };
    const fault = this.#copy.fault(this.#clock());
    if (fault === null) return null;
    if (this.#copy.takeEnd()) this.#confirmAtOnce();
    // A lease that ran out, or a copy that never came, is the consequence: what failed meanwhile is the cause.
    return (fault.code === 'STALE' || fault.code === 'NOT_READY') && this.#trouble ? this.#trouble : fault;
  }

  /** The folded state. Ask `fault()` first: null, or out of date, while there is one. */
  get state(): State | null {
    return this.#copy.state;
  }

  /** The last applied epoch, 0 before the first. */
  get epoch(): number {
    return this.#copy.state?.epoch ?? 0;
  }

  /** Wall time in milliseconds at which the confirmation was sent that the present lease counts from; null without one. */
  confirmedAt(): number | null {
    return this.#copy.confirmed?.wall ?? null;
  }

  /** Milliseconds since the confirmation was sent that the present lease counts from; null without one. */
  stalenessMs(): number | null {
    const { confirmed } = this.#copy;
    return confirmed && this.#clock().mono - confirmed.mono;
  }

  /** Listens to changes and to what the copy can be trusted for; the returned function ends it. */
  on(listener: (event: ReplicaEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What this executor reports beside its beats. Rejects when the store does not take it in time; that changes no decision. */
  get reports(): ExecutorReports {
    const { record, describe, saveCheckpoint, removeCheckpoint, lastCheckpoint } = this.#reports;
    const within = <T>(work: Promise<T>, what: string): Promise<T> => withDeadline(work, this.#requestMs, what);
    return {
      record: (records) => within(record(records), 'record'),
      describe: (surfaces) => within(describe(surfaces), 'describe'),
      removeCheckpoint: (runId) => within(removeCheckpoint(runId), 'checkpoint'),
      saveCheckpoint: (checkpoint) => within(saveCheckpoint(checkpoint), 'checkpoint'),
      lastCheckpoint: (runId) => within(lastCheckpoint(runId), 'checkpoint'),
    };
  }

  /** Something is to be reported now, for instance that an action has ended. */
  report(): void {
    this.#wake();
  }

  /**
   * Asks the store once more, for an action that cannot be undone: resolves with the time at which the request was sent that the store
   * answered with the very state that is held here, or null when it did not within `timeoutMs` milliseconds.
   */
  async permit(timeoutMs: number): Promise<Instant | null> {
    const until = this.#clock().mono + timeoutMs;
    try {
      for (let left = timeoutMs; left > 0 && !this.#closed; left = until - this.#clock().mono) {
        const { outcome, sent } = await this.#confirm(left);
        if (outcome === 'renewed') return sent;
        if (outcome === 'faulty' || outcome === 'reload') {
          this.#wake();
          return null;
        }
      }
    } catch (error) {
      if (!this.#closed) this.#trouble = faultFrom(error);
      this.#publish();
    }
    return null;
  }

  /** What the switch says for one call, from the local copy: synchronous, no I/O. */
  reading(call: Call): Reading {
    const fault = this.fault();
    const { state } = this.#copy;
    if (fault || !state) return faultReading(fault?.code ?? 'NOT_READY', fault?.message ?? 'no state', this.epoch);
    const { mode, cause } = resolveMode(state, call);
    return { mode, cause, epoch: state.epoch };
  }

  /** The time by the replica's own clock. */
  now(): Instant {
    return this.#clock();
  }

  /** Leaves the count cleanly and releases everything. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    clearTimeout(this.#leaseTimer);
    clearTimeout(this.#reportTimer);
    clearImmediate(this.#immediate);
    this.#stopFollowing?.();
    this.#listeners.clear();
    await this.#cycle;
    try {
      await withDeadline(this.#connection.leave(), this.#requestMs, 'leave');
    } catch {
      // A store that is gone cannot be told; operators will see this executor as silent, which is the stricter reading.
    }
    try {
      await withDeadline(this.#connection.close(), this.#requestMs, 'close');
    } catch {
      // The connection is given up either way.
    }
  }

  #onPush(push: Push): void {
    if (this.#closed) return;
    if (push.type === 'trouble') {
      this.#trouble ??= faultFrom(push.error);
      this.#publish();
      return;
    }
    if (push.type === 'gap') {
      this.#wake();
      return;
    }
    this.#pushed.push(push.event);
    // What comes in one turn is taken together, so that it is kept once.
    if (this.#pushed.length === 1) queueMicrotask(() => this.#takePushed());
  }

  #takePushed(): void {
    const events = this.#pushed.splice(0);
    if (this.#closed) return;
    try {
      const outcome = this.#copy.push(...events);
      if (outcome === 'known') return;
      if (outcome === 'applied') {
        this.#reportSoon();
        return;
      }
    } catch (error) {
      this.#trouble = faultFrom(error); // the confirmation that follows meets it again, and no lease outlives it
    }
    this.#wake();
  }

  /** What was pushed holds already and renews nothing, so its report may wait a moment: it must not keep others from hearing of it. */
  #reportSoon(): void {
    if (this.#closed || this.#reportTimer) return;
    const [least, most] = REPORT_AFTER_MS;
    this.#reportTimer = setTimeout(
      () => {
        this.#reportTimer = undefined;
        this.#wake();
      },
      least + Math.random() * (most - least),
    );
    this.#reportTimer.unref();
  }

  #wake(): void {
    if (this.#closed) return;
    if (this.#cycle) this.#again = true;
    else void this.#run();
  }

  /** A clock has ended the lease, perhaps by a step or after a suspension, while the store is as well as ever. Who found it is in the middle of a decision. */
  #confirmAtOnce(): void {
    this.#leaseEnded = true;
    clearImmediate(this.#immediate);
    this.#immediate = setImmediate(() => {
      if (this.#leaseEnded) void this.#run(); // else a cycle that was under way has asked already
    });
  }

  /** One cycle at a time: load where needed, confirm, and once more at once if something came in between. */
  #run(): Promise<void> {
    this.#cycle ??= this.#cycles().finally(() => {
      this.#cycle = null;
    });
    return this.#cycle;
  }

  async #cycles(): Promise<void> {
    clearTimeout(this.#timer);
    let failed = false;
    for (let tries = 0; tries < 10; tries += 1) {
      this.#again = false;
      this.#leaseEnded = false;
      failed = !(await this.#once());
      if (this.#closed) return;
      // The failure may be of the same making: a deadline that is found over right after a suspension says nothing of the store.
      if (!this.#leaseEnded && (failed || !this.#again)) break;
    }
    const wait = failed ? Math.min(500, Math.max(50, this.leaseMs / 10)) : this.leaseMs / 3;
    this.#timer = setTimeout(() => void this.#run(), wait);
    this.#timer.unref();
  }

  /** True when the store has answered, whatever it said. */
  async #once(): Promise<boolean> {
    try {
      if (this.#copy.needsLoad) await this.#load(); // where there is nothing to load, the beat below still says so
      const { outcome } = await this.#confirm(this.#requestMs);
      if (outcome === 'reload' && (await this.#load())) this.#again = true;
      await this.#describe();
      if (outcome === 'again' || outcome === 'dropped') this.#again = true;
      return true;
    } catch (error) {
      if (!this.#closed) {
        this.#trouble = faultFrom(error);
        this.#publish();
      }
      return false;
    }
  }

  /** One round trip: the beat is written, the head read, and the reply taken. */
  async #confirm(timeoutMs: number): Promise<{ readonly outcome: ReplyOutcome; readonly sent: Instant }> {
    if (this.#copy.isSignalling) await Promise.resolve(); // asked by what is just being told of changes that are kept in this turn
    const ticket = this.#copy.ask(this.#clock());
    const beat = this.#beat();
    const reply = await withDeadline(this.#connection.confirm(beat), timeoutMs, 'confirm');
    if (this.#closed) return { outcome: 'dropped', sent: ticket.sent };
    const outcome = this.#copy.reply(ticket, reply, this.#clock());
    this.#tellChanges();
    if (this.#copy.forkReport && !beat.fork) this.#again = true; // the evidence is told at once
    if (outcome === 'renewed') this.#trouble = null;
    this.#publish();
    return { outcome, sent: ticket.sent };
  }

  /** Says what can act here, when that has changed; what the store did not take is said again. */
  async #describe(): Promise<void> {
    const surfaces = this.#options.surfaces?.() ?? this.#undescribed;
    if (!surfaces || this.#closed) return;
    this.#undescribed = surfaces;
    try {
      await this.reports.describe(surfaces);
      this.#undescribed = null;
    } catch (error) {
      if (isKillSwitchError(error) && error.code === 'STORE_UNREACHABLE') throw error;
      // The switch itself has been confirmed, and a refused report changes no decision: no trouble, and said again with the next confirmation.
    }
  }

  async #load(): Promise<boolean> {
    const { held } = this.#copy;
    const snapshot = await withDeadline(this.#connection.load(held), Math.max(this.#requestMs, LOAD_MS), 'load');
    const taken = this.#copy.loaded(held, snapshot) === 'renewed';
    this.#tellChanges();
    return taken;
  }

  #beat(): Beat {
    const { inFlight, draining, agents, runs } = this.#options.work?.() ?? NO_WORK;
    return {
      id: this.executorId,
      name: this.executorName,
      host: hostname(),
      pid: process.pid,
      version: VERSION,
      started_at: this.#startedAt,
      at: new Date(this.#clock().wall).toISOString(),
      lease_ms: this.leaseMs,
      applied: this.#copy.held,
      in_flight: inFlight,
      draining,
      agents: [...agents],
      runs: [...runs],
      fork: this.#copy.forkReport,
    };
  }

  #tellChanges(): void {
    const { keys, at } = this.#copy.takeChanges();
    if (keys.length > 0) this.#emit({ type: 'changed', keys, at });
  }

  /** Tells listeners when what the copy can be trusted for has changed; a timer only announces the lease's end, it never decides it. */
  #publish(): void {
    const fault = this.fault();
    const event: ReplicaEvent = fault
      ? { type: 'fault', fault }
      : this.#trouble
        ? { type: 'stale', fault: this.#trouble }
        : { type: 'ready' };
    clearTimeout(this.#leaseTimer);
    const { confirmed } = this.#copy;
    if (!fault && confirmed) {
      const left = confirmed.mono + this.leaseMs - this.#clock().mono;
      this.#leaseTimer = setTimeout(() => this.#publish(), Math.max(1, left + 1));
      this.#leaseTimer.unref();
    }
    const status = 'fault' in event ? `${event.type} ${event.fault.code}` : event.type;
    if (status === this.#status) return;
    this.#status = status;
    this.#emit(event);
  }

  #emit(event: ReplicaEvent): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch {
        // A listener of the app's cannot hold up the switch, nor loosen it.
      }
    }
  }
}
