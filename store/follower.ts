import { randomUUID } from 'node:crypto';
import {
  type Clock,
  earlier,
  type Fault,
  type Instant,
  isKillSwitchError,
  type LogEvent,
  type SurfaceRecord,
} from '../flags/index.ts';
import { Cycle } from './cycle.ts';
import { faultFrom } from './fault-from.ts';
import type { LiveCopy, ReplyOutcome } from './live-copy.ts';
import type { ownBeats } from './own-beat.ts';
import { type ExecutorConnection, LOAD_MS, type Push } from './ports.ts';
import type { ExecutorReports } from './reports.ts';
import { SharedQuestion } from './shared-question.ts';
import { withDeadline } from './with-deadline.ts';

export interface FollowerOptions {
  readonly connection: ExecutorConnection;
  readonly copy: LiveCopy;
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly requestMs: number;
  readonly beat: ReturnType<typeof ownBeats>;
  readonly reports: ExecutorReports;
  /** What can act here, when that has changed since it was last asked for; null when it has not. */
  readonly surfaces: () => readonly SurfaceRecord[] | null;
  /** The state in the copy has changed. */
  readonly onChanges: () => void;
  /** What the copy can be trusted for may have changed. */
  readonly onTrust: () => void;
}

/** What came of a confirmation, and from when its answer is: when it was sent, less the age of the answer. */
interface Confirmed {
  readonly outcome: ReplyOutcome;
  readonly sent: Instant;
}

/**
 * Keeps a copy up to date: loads it, takes what is pushed, confirms it and reports, and knows what went wrong
 * meanwhile. What the copy is then worth is not its business.
 */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #cycle: Cycle;
  readonly #pushed: LogEvent[] = [];
  #undescribed: readonly SurfaceRecord[] | null = null;
  #trouble: Fault | null = null;
  #stopFollowing: (() => void) | null = null;
  readonly #question: SharedQuestion<Confirmed>;
  #closed = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#cycle = new Cycle({ leaseMs: options.leaseMs, ask: () => this.#ask() });
    this.#question = new SharedQuestion({
      send: () => this.#confirm(),
      oneByOne: options.connection.confirmsOneByOne,
      // Others may ask as well, or work in flight may just be being told of changes that are not kept yet.
      gather: () => new Promise((resolve) => process.nextTick(resolve)),
    });
  }

  /** What failed since the lease was last renewed. */
  get trouble(): Fault | null {
    return this.#trouble;
  }

  /** Follows the store, and asks it for the first time. Resolves when that has succeeded or failed. */
  async start(): Promise<void> {
    this.#stopFollowing ??= this.#options.connection.follow((push) => this.#onPush(push));
    await this.#cycle.run();
  }

  /** There is something new to ask or to say. */
  wake(): void {
    this.#cycle.wake();
  }

  leaseHasEnded(): void {
    this.#cycle.leaseHasEnded();
  }

  /**
   * One round trip: the beat is written, the head read, and the reply taken. It is sent after the call; who asks before
   * it has been sent shares it, so that many who ask at once cost the store no more than one.
   */
  confirm(): Promise<Confirmed> {
    return this.#question.ask();
  }

  async #confirm(): Promise<Confirmed> {
    const { connection, copy, clock, beat: makeBeat, requestMs, onChanges, onTrust } = this.#options;
    if (this.#closed) return { outcome: 'dropped', sent: clock() }; // a beat now would come after it has left the count
    const ticket = copy.ask(clock(), randomUUID());
    const beat = makeBeat(copy, ticket.sent);
    const reply = await withDeadline(connection.confirm(beat, ticket.nonce), requestMs, 'confirm');
    if (this.#closed) return { outcome: 'dropped', sent: ticket.sent };
    const outcome = copy.reply(ticket, reply, clock());
    onChanges();
    if (copy.forkReport && !beat.fork) this.#cycle.wake(); // the evidence is told at once
    if (outcome === 'renewed') this.#trouble = null;
    onTrust();
    return { outcome, sent: earlier(ticket.sent, reply.ageMs) };
  }

  /** A question has failed. */
  failed(error: unknown): void {
    if (this.#closed) return;
    this.#trouble = faultFrom(error);
    this.#options.onTrust();
  }

  /** Ends it; resolves when what is under way is over. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopFollowing?.();
    await this.#cycle.close();
  }

  #onPush(push: Push): void {
    if (this.#closed) return;
    if (push.type === 'trouble') {
      this.#trouble ??= faultFrom(push.error);
      this.#options.onTrust();
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
      const outcome = this.#options.copy.push(...events);
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
      // where there is nothing to load, the beat below still says so
      if (this.#options.copy.needsLoad) await this.#load();
      const { outcome } = await this.confirm();
      if (outcome === 'reload' && (await this.#load())) this.#cycle.wake();
      await this.#describe();
      if (outcome === 'again' || outcome === 'dropped') this.#cycle.wake();
      return true;
    } catch (error) {
      this.failed(error);
      return false;
    }
  }

  async #load(): Promise<boolean> {
    const { connection, copy, requestMs, onChanges } = this.#options;
    const ticket = { held: copy.held, nonce: randomUUID() };
    const loading = connection.load(ticket.held, ticket.nonce);
    const snapshot = await withDeadline(loading, Math.max(requestMs, LOAD_MS), 'load');
    const taken = copy.loaded(ticket, snapshot) === 'renewed';
    onChanges();
    return taken;
  }

  /** Says what can act here, when that has changed; what the store did not take is said again. */
  async #describe(): Promise<void> {
    const surfaces = this.#options.surfaces() ?? this.#undescribed;
    if (!surfaces || this.#closed) return;
    this.#undescribed = surfaces;
    try {
      await this.#options.reports.describe(surfaces);
      this.#undescribed = null;
    } catch (error) {
      if (isKillSwitchError(error) && error.code === 'STORE_UNREACHABLE') throw error;
      // The switch itself has been confirmed, and a refused report changes no decision: no trouble, and said again with
      // the next confirmation.
    }
  }
}
