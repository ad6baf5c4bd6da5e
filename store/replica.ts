import {
  changesAt,
  type Clock,
  type Fault,
  faultReading,
  KillSwitchError,
  type Instant,
  type Reading,
  type RestrictionMemory,
  resolveMode,
  type State,
  type Stop,
  type Subject,
} from '../flags/index.ts';
import { Announcer, type ReplicaEvent } from './announcer.ts';
import { faultFrom } from './fault-from.ts';
import type { Confirmation } from './confirmation.ts';
import { Follower, type Question } from './follower.ts';
import { LeaseEnd } from './lease-end.ts';
import { LiveCopy } from './live-copy.ts';
import type { OwnBeats } from './own-beat.ts';
import type { ReportOwn } from './own-reports.ts';
import type { ExecutorConnection } from './ports.ts';
import { withDeadline, within } from './with-deadline.ts';

export type { ReplicaEvent } from './announcer.ts';

export interface ReplicaParts {
  /** Closed with the replica. */
  readonly connection: Omit<ExecutorConnection, 'shelf' | 'journal' | 'approvals' | 'ledger' | 'stops'>;
  readonly organizationId: string;
  /** Where the store is, without secrets. */
  readonly location?: string | undefined;
  /** As that of its store. */
  readonly nearby?: (() => string) | undefined;
  readonly leaseMs: number;
  /** How long the store may take to answer, in milliseconds. */
  readonly requestMs: number;
  readonly clock: Clock;
  readonly beat: OwnBeats;
  /** Called after each confirmation, and a last time before the executor leaves. */
  readonly reportOwn: ReportOwn;
}

/** What came of asking the store once more. */
export type ConfirmOutcome =
  /**
   * It has named the very state that is held here. `sent`: when it was asked that, minus the age of what a hop
   * answered.
   */
  | { readonly is: 'confirmed'; readonly sent: Instant }
  /** It has not done so in time. */
  | { readonly is: 'late' }
  /** It confirms nothing. */
  | { readonly is: 'failed'; readonly fault: Fault };

/**
 * The live, leased copy of the switch that provider and guard share. It loads, follows, confirms at least every third
 * of the lease, and reloads after a gap. It never rejects: an unreachable store is a fault, and a fault is `full_stop`.
 */
export class Replica {
  readonly organizationId: string;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly #connection: ReplicaParts['connection'];
  readonly #copy: LiveCopy;
  readonly #announcer = new Announcer();
  readonly #follower: Follower;
  readonly #leaseEnd: LeaseEnd;
  readonly #requestMs: number;
  readonly #reportOwn: ReportOwn;
  #onRenewed: ((stops: readonly Stop[]) => void) | null = null;
  #closed: Promise<void> | null = null;

  constructor(parts: ReplicaParts) {
    const { connection, organizationId, location, nearby, leaseMs, requestMs, clock, beat, reportOwn } = parts;
    this.organizationId = organizationId;
    this.leaseMs = leaseMs;
    this.clock = clock;
    this.#requestMs = requestMs;
    this.#reportOwn = reportOwn;
    this.#leaseEnd = new LeaseEnd({ leaseMs, clock, announce: () => this.#publish() });
    this.#connection = connection;
    this.#copy = new LiveCopy({
      leaseMs,
      keeper: connection.anchor,
      organizationId,
      location,
      nearby,
      signal: () => this.#notifyChanges(),
    });
    this.#follower = new Follower({
      connection,
      copy: this.#copy,
      clock,
      leaseMs,
      requestMs,
      beat,
      reportOwn,
      onChanges: () => this.#notifyChanges(),
      onTrust: () => this.#publish(),
      onRenewed: (stops) => this.#onRenewed?.(stops),
    });
  }

  /**
   * Loads and confirms for the first time. Resolves when that has succeeded or failed; asking again gives the same
   * start.
   */
  async start(): Promise<void> {
    if (this.#closed) return;
    await this.#follower.start();
  }

  /** Why nothing may be decided now, or null. Compares the lease with both clocks; no I/O. */
  fault(): Fault | null {
    return this.#faultAt(this.clock());
  }

  #faultAt(now: Instant): Fault | null {
    if (this.#closed) return { code: 'CLOSED', message: 'this switch has been closed' };
    const fault = this.#copy.fault(now);
    if (fault === null) return null;
    if (this.#copy.takeEnd()) this.#follower.leaseHasEnded();
    // A lease that ran out, or a copy that never came, is only the consequence of what failed meanwhile.
    return fault.code === 'STALE' || fault.code === 'NOT_READY' ? (this.#follower.trouble ?? fault) : fault;
  }

  /** True from the turn on in which `close` was called. */
  get closed(): boolean {
    return this.#closed !== null;
  }

  /** The folded state. Ask `fault()` first: while there is one, this is null or out of date. */
  get state(): State | null {
    return this.#copy.state;
  }

  /** The last applied epoch, 0 before the first. */
  get epoch(): number {
    return this.#copy.state?.epoch ?? 0;
  }

  /**
   * The store's time, in milliseconds since 1970, as last confirmed plus what this machine's monotonic clock has
   * counted since; null before the first confirmation. It is never behind the store, and less than a lease ahead of it.
   */
  storeNow(): number | null {
    return this.#copy.storeNow(this.clock());
  }

  /**
   * The first moment after `now` at which what the copy says may change with the store's time alone, of which no
   * listener is notified; null: none. Both in milliseconds of the store's time.
   */
  changesAt(now: number): number | null {
    const { state } = this.#copy;
    return state && changesAt(state, now);
  }

  /**
   * Wall time in milliseconds at which the confirmation was sent that the present lease counts from; null without one.
   */
  confirmedAt(): number | null {
    return this.#copy.confirmed?.wall ?? null;
  }

  /** Milliseconds since the confirmation was sent that the present lease counts from; null without one. */
  stalenessMs(): number | null {
    const { confirmed } = this.#copy;
    return confirmed && this.clock().mono - confirmed.mono;
  }

  /** Listens to changes and to what the copy can be trusted for; the returned function ends it. */
  on(listener: (event: ReplicaEvent) => void): () => void {
    return this.#announcer.on(listener);
  }

  /** Reports now, for instance that an action has ended. */
  report(): void {
    this.#follower.wake();
  }

  /**
   * Asks the store once more whether what is held here is its present state. Resolves within `timeoutMs` milliseconds,
   * and never rejects.
   */
  async confirmNow(timeoutMs: number): Promise<ConfirmOutcome> {
    const until = this.clock().mono + timeoutMs;
    const late = new Error('no answer in time'); // no fault of the store, which promises no answer so soon
    try {
      for (let left = timeoutMs; left > 0 && !this.#closed; left = until - this.clock().mono) {
        const { outcome, sent } = await within(this.#follower.confirm(), left, () => late);
        if (outcome === 'renewed') return { is: 'confirmed', sent };
        if (outcome === 'faulty' || outcome === 'reload') {
          this.#follower.wake();
          return { is: 'late' }; // the copy has taken the answer: the next look at it tells
        }
      }
    } catch (error) {
      if (error === late) return { is: 'late' };
      this.#follower.failed(error);
      return { is: 'failed', fault: faultFrom(error) };
    }
    return { is: 'late' };
  }

  /**
   * Asks the store something that it answers with a confirmation, which the copy takes. Resolves to the answer, and
   * when it was asked; whether this copy then is what the answer names is asked by `confirmNow`, unless `confirmed`
   * says so.
   * @throws what the question rejects with; KillSwitchError CLOSED, STORE_UNREACHABLE
   */
  async confirmBy<C extends Confirmation>(
    question: Question<C>,
  ): Promise<{ readonly answer: C; readonly sent: Instant; readonly confirmed: boolean }> {
    const { answer, outcome, sent } = await this.#follower.confirmBy(question);
    if (answer === null || this.#closed) throw new KillSwitchError('CLOSED', 'this switch has been closed');
    if (outcome === 'faulty' || outcome === 'reload') this.#follower.wake();
    return { answer, sent, confirmed: outcome === 'renewed' };
  }

  /**
   * Has the store not be heard for so many milliseconds: no answer of it counts, and no push. For drills; it ends by
   * itself, by this machine's monotonic clock, and then the store is asked at once.
   */
  cutOff(ms: number): void {
    if (!this.#closed) this.#follower.cutOff(ms);
  }

  /** A stop of this executor's own: it holds in this copy from this turn on. Nothing is written to the store. */
  holdStop(own: Stop): void {
    this.#copy.holdStop(own);
  }

  /** Has one listener told the stops that the store has, each time this copy is found to be what the store has. */
  onRenewed(listener: (stops: readonly Stop[]) => void): void {
    this.#onRenewed = listener;
  }

  /** What has restricted anybody since the copy was loaded, also where it was lifted again. */
  get restrictions(): RestrictionMemory {
    return this.#copy.restrictions;
  }

  /** What the switch says for one call, from the local copy: synchronous, no I/O. */
  reading(subject: Subject): Reading {
    const clock = this.clock(); // read once: this runs for each call
    const fault = this.#faultAt(clock);
    const { state } = this.#copy;
    if (fault || !state) return faultReading(fault?.code ?? 'NOT_READY', fault?.message ?? 'no state', this.epoch);
    const { mode, cause } = resolveMode(state, subject, () => this.#copy.storeNow(clock));
    return { mode, cause, epoch: state.epoch };
  }

  /**
   * The value of a limit's flag, undefined where none is set. It says nothing of whether this copy may be trusted:
   * `reading` does.
   */
  limit(name: string): number | undefined {
    return this.#copy.state?.limits.get(name)?.value;
  }

  /**
   * Ends it, and takes this executor out of the count. @param leave false where work still goes on: it then stays in
   * the count, as silent
   */
  close({ leave = true }: { readonly leave?: boolean } = {}): Promise<void> {
    this.#closed ??= this.#close(leave);
    return this.#closed;
  }

  async #close(leave: boolean): Promise<void> {
    this.#leaseEnd.countFrom(null);
    this.#announcer.close();
    await this.#follower.close();
    try {
      // What it has met outlives it, so that the two need not wait for each other.
      const told = leave ? this.#reportOwn({ last: true }).catch(() => {}) : undefined;
      if (leave) await withDeadline(this.#connection.leave(), this.#requestMs, 'leave');
      await told;
    } catch {
      // The store is gone. Operators will see this executor as silent, which is the stricter reading.
    }
    try {
      await withDeadline(this.#connection.close(), this.#requestMs, 'close');
    } catch {
      // The connection is given up either way.
    }
  }

  #notifyChanges(): void {
    const { keys, at } = this.#copy.takeChanges();
    if (keys.length > 0) this.#announcer.notify({ type: 'changed', keys, at });
  }

  /** Notifies listeners when the trust in the copy has changed. */
  #publish(): void {
    const fault = this.fault();
    this.#leaseEnd.countFrom(fault ? null : this.#copy.confirmed);
    const { trouble } = this.#follower;
    this.#announcer.notifyTrust(
      fault ? { type: 'fault', fault } : trouble ? { type: 'stale', fault: trouble } : { type: 'ready' },
    );
  }
}
