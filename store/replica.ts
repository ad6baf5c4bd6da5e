import { randomUUID } from 'node:crypto';
import {
  type Call,
  type Clock,
  type Fault,
  faultReading,
  type Instant,
  invalid,
  isKillSwitchError,
  LEASE_MS,
  type LogEvent,
  type Reading,
  resolveMode,
  type State,
  type SurfaceRecord,
} from '../flags/index.ts';
import { Announcer, type ReplicaEvent } from './announcer.ts';
import { Cycle } from './cycle.ts';
import { faultFrom } from './fault-from.ts';
import { LiveCopy, type ReplyOutcome } from './live-copy.ts';
import { ownBeats, type Work } from './own-beat.ts';
import { type ExecutorConnection, type ExecutorStore, LOAD_MS, type Push } from './ports.ts';
import { type ExecutorReports, executorReports, reportsInTime } from './reports.ts';
import { withDeadline } from './with-deadline.ts';

export type { ReplicaEvent } from './announcer.ts';

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

/** Both clocks of this machine. */
export const systemClock: Clock = () => ({ mono: performance.now(), wall: Date.now() });

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
  /** What this executor reports beside its beats. */
  readonly reports: ExecutorReports;
  readonly #options: ReplicaOptions;
  readonly #clock: Clock;
  readonly #connection: ExecutorConnection;
  readonly #copy: LiveCopy;
  readonly #pushed: LogEvent[] = [];
  #undescribed: readonly SurfaceRecord[] | null = null;
  readonly #beat: ReturnType<typeof ownBeats>;
  readonly #announcer = new Announcer();
  readonly #cycle: Cycle;
  readonly #requestMs: number;
  #trouble: Fault | null = null;
  #stopFollowing: (() => void) | null = null;
  #leaseTimer: NodeJS.Timeout | undefined;
  #closed: Promise<void> | null = null;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.organizationId = options.organizationId;
    this.leaseMs = checkLeaseMs(options.leaseMs);
    this.location = options.store.location;
    this.#clock = options.clock ?? systemClock;
    this.#requestMs = Math.max(100, Math.floor(this.leaseMs / 3));
    this.#connection = options.store.open({
      organizationId: options.organizationId,
      executorId: this.executorId,
      executorName: this.executorName,
      requestTimeoutMs: this.#requestMs,
    });
    this.reports = reportsInTime(executorReports(this.#connection.shelf, this.executorId), this.#requestMs);
    this.#copy = new LiveCopy({
      leaseMs: this.leaseMs,
      keeper: this.#connection.anchor,
      organizationId: this.organizationId,
      signal: () => this.#tellChanges(),
    });
    this.#beat = ownBeats({
      id: this.executorId,
      name: this.executorName,
      leaseMs: this.leaseMs,
      startedAt: this.#clock().wall,
      work: options.work,
    });
    this.#cycle = new Cycle({ leaseMs: this.leaseMs, ask: () => this.#ask() });
  }

  get executorName(): string {
    return this.#options.executorName ?? 'executor';
  }

  /** Loads and confirms for the first time. Resolves when that has succeeded or failed; asking again gives the same start. */
  async start(): Promise<void> {
    if (this.#closed) return;
    this.#stopFollowing ??= this.#connection.follow((push) => this.#onPush(push));
    await this.#cycle.run();
  }

  /** Why nothing may be decided now, or null. Compares the lease with both clocks; no I/O. */
  fault(): Fault | null {
    if (this.#closed) return { code: 'CLOSED', message: 'this switch has been closed' };
    const fault = this.#copy.fault(this.#clock());
    if (fault === null) return null;
    if (this.#copy.takeEnd()) this.#cycle.leaseHasEnded();
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
    return this.#announcer.on(listener);
  }

  /** Something is to be reported now, for instance that an action has ended. */
  report(): void {
    this.#cycle.wake();
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
          this.#cycle.wake();
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
    clearTimeout(this.#leaseTimer);
    this.#stopFollowing?.();
    this.#announcer.close();
    await this.#cycle.close();
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
      this.#cycle.wake();
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
        this.#cycle.wakeSoon();
        return;
      }
    } catch (error) {
      this.#trouble = faultFrom(error); // the confirmation that follows meets it again, and no lease outlives it
    }
    this.#cycle.wake();
  }

  /** True when the store has answered, whatever it said. */
  async #ask(): Promise<boolean> {
    try {
      if (this.#copy.needsLoad) await this.#load(); // where there is nothing to load, the beat below still says so
      const { outcome } = await this.#confirm(this.#requestMs);
      if (outcome === 'reload' && (await this.#load())) this.#cycle.wake();
      await this.#describe();
      if (outcome === 'again' || outcome === 'dropped') this.#cycle.wake();
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
    const beat = this.#beat(this.#copy, ticket.sent);
    const reply = await withDeadline(this.#connection.confirm(beat), timeoutMs, 'confirm');
    if (this.#closed) return { outcome: 'dropped', sent: ticket.sent };
    const outcome = this.#copy.reply(ticket, reply, this.#clock());
    this.#tellChanges();
    if (this.#copy.forkReport && !beat.fork) this.#cycle.wake(); // the evidence is told at once
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

  #tellChanges(): void {
    const { keys, at } = this.#copy.takeChanges();
    if (keys.length > 0) this.#announcer.tell({ type: 'changed', keys, at });
  }

  /** Tells listeners when what the copy can be trusted for has changed; a timer only announces the lease's end, it never decides it. */
  #publish(): void {
    const fault = this.fault();
    clearTimeout(this.#leaseTimer);
    const { confirmed } = this.#copy;
    if (!fault && confirmed) {
      const left = confirmed.mono + this.leaseMs - this.#clock().mono;
      this.#leaseTimer = setTimeout(() => this.#publish(), Math.max(1, left + 1));
      this.#leaseTimer.unref();
    }
    const trouble = this.#trouble;
    this.#announcer.tellTrust(
      fault ? { type: 'fault', fault } : trouble ? { type: 'stale', fault: trouble } : { type: 'ready' },
    );
  }
}
