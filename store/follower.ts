import { randomUUID } from 'node:crypto';
import {
  type Beat,
  type Clock,
  earlier,
  type Fault,
  type Instant,
  KillSwitchError,
  type LogEvent,
  type Stop,
} from '../flags/index.ts';
import type { Confirmation } from './confirmation.ts';
import { Cycle } from './cycle.ts';
import { faultFrom } from './fault-from.ts';
import type { LiveCopy, ReplyOutcome, Ticket } from './live-copy.ts';
import type { OwnBeats } from './own-beat.ts';
import type { ReportOwn } from './own-reports.ts';
import { type ExecutorConnection, LOAD_MS, type Push } from './ports.ts';
import { SharedQuestion } from './shared-question.ts';
import { withDeadline } from './with-deadline.ts';

export interface FollowerOptions {
  readonly connection: Pick<ExecutorConnection, 'load' | 'follow' | 'confirm' | 'confirmsOneByOne'>;
  readonly copy: LiveCopy;
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly requestMs: number;
  readonly beat: OwnBeats;
  /** Called after each confirmation. */
  readonly reportOwn: ReportOwn;
  /** The state in the copy has changed. */
  readonly onChanges: () => void;
  /** What the copy can be trusted for may have changed. */
  readonly onTrust: () => void;
  /** The copy is what the store has; and the stops of executors that the store had then. */
  readonly onRenewed: (stops: readonly Stop[]) => void;
}

/** A request that the store answers with a confirmation. */
export type Question<C extends Confirmation> = (beat: Beat, nonce: string) => Promise<C>;

/** What came of a confirmation, and of when its answer is: when it was sent, less the age of the answer. */
interface Confirmed {
  readonly outcome: ReplyOutcome;
  readonly sent: Instant;
}

/**
 * Keeps a copy up to date: loads it, hands it what is pushed, confirms it and reports, and remembers what failed
 * meanwhile. It does not judge whether the copy can be trusted.
 */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #cycle: Cycle;
  readonly #pushed: LogEvent[] = [];
  #trouble: Fault | null = null;
  #stopFollowing: (() => void) | null = null;
  readonly #question: SharedQuestion<Confirmed>;
  /** Until when the store is not heard, by the monotonic clock; null: it is. */
  #cutUntil: number | null = null;
  #cutTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#cycle = new Cycle({ leaseMs: options.leaseMs, ask: () => this.#ask() });
    this.#question = new SharedQuestion({
      send: () => this.#confirm(),
      oneByOne: options.connection.confirmsOneByOne,
      // Others may ask in this turn too, and an abort of work in flight may ask before the anchor is written.
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

  /** Has nothing of the store count for so many milliseconds. */
  cutOff(ms: number): void {
    const { clock } = this.#options;
    this.#cutUntil = clock().mono + ms;
    clearTimeout(this.#cutTimer);
    this.#cutTimer = setTimeout(() => this.#cycle.wake(), ms).unref();
  }

  #isCut(): boolean {
    if (this.#cutUntil !== null && this.#options.clock().mono >= this.#cutUntil) this.#cutUntil = null;
    return this.#cutUntil !== null;
  }

  /** @throws KillSwitchError STORE_UNREACHABLE while the store is not to be heard */
  #heard(): void {
    if (!this.#isCut()) return;
    throw new KillSwitchError('STORE_UNREACHABLE', 'a drill has cut this executor off from its store');
  }

  /** There is something new to ask or to report. */
  wake(): void {
    this.#cycle.wake();
  }

  leaseHasEnded(): void {
    this.#cycle.leaseHasEnded();
  }

  /**
   * One round trip: writes the beat, reads the head, and takes the reply. It is sent after the call. Callers that ask
   * before it is sent share it, so that many at once cost the store no more than one.
   */
  confirm(): Promise<Confirmed> {
    return this.#question.ask();
  }

  /** The same by another question, which the store answers with a confirmation too; `answer` null: it was closed. */
  async confirmBy<C extends Confirmation>(question: Question<C>): Promise<Confirmed & { readonly answer: C | null }> {
    const { copy, clock, beat: makeBeat, requestMs } = this.#options;
    if (this.#closed) return { outcome: 'dropped', sent: clock(), answer: null }; // it has left the count
    this.#heard();
    const ticket = copy.ask(clock(), randomUUID());
    const beat = makeBeat(copy, ticket.sent);
    const answer = await withDeadline(question(beat, ticket.nonce), requestMs, 'confirm');
    this.#heard();
    return { ...this.#take(ticket, beat, answer), answer };
  }

  #confirm(): Promise<Confirmed> {
    const { connection } = this.#options;
    return this.confirmBy((beat, nonce) => connection.confirm(beat, nonce));
  }

  #take(ticket: Ticket, beat: Beat, reply: Confirmation): Confirmed {
    const { copy, clock, onChanges, onTrust, onRenewed } = this.#options;
    if (this.#closed) return { outcome: 'dropped', sent: ticket.sent };
    copy.takeStops(reply);
    const outcome = copy.reply(ticket, reply, clock());
    onChanges();
    if (copy.forkReport && !beat.fork) this.#cycle.wake(); // report the evidence at once
    if (outcome === 'renewed') this.#trouble = null;
    onTrust();
    if (outcome === 'renewed') onRenewed(reply.stops);
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
    clearTimeout(this.#cutTimer);
    await this.#cycle.close();
  }

  #onPush(push: Push): void {
    if (this.#closed || this.#isCut()) return; // what is missed so is confirmed when it is heard again
    if (push.type === 'trouble') {
      this.#trouble ??= faultFrom(push.error);
      this.#options.onTrust();
      return;
    }
    if (push.type === 'stops') {
      this.#cycle.wakeSoon();
      return;
    }
    if (push.type === 'gap') {
      this.#cycle.wake();
      return;
    }
    this.#pushed.push(push.event);
    // Events that come in one turn are taken together, so that the anchor is written once.
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
      this.#trouble = faultFrom(error); // the next confirmation meets it again, and no lease outlives it
    }
    this.#cycle.wake();
  }

  /** True when the store has answered, whatever it said. */
  async #ask(): Promise<boolean> {
    try {
      // where there is nothing to load, the beat below is still written
      if (this.#options.copy.needsLoad) await this.#load();
      const { outcome } = await this.confirm();
      if (outcome === 'reload' && (await this.#load())) this.#cycle.wake();
      if (!this.#closed) await this.#options.reportOwn();
      if (outcome === 'again' || outcome === 'dropped') this.#cycle.wake();
      return true;
    } catch (error) {
      this.failed(error);
      return false;
    }
  }

  async #load(): Promise<boolean> {
    const { connection, copy, requestMs, onChanges } = this.#options;
    this.#heard();
    const ticket = { held: copy.held, nonce: randomUUID() };
    const loading = connection.load(ticket.held, ticket.nonce);
    const snapshot = await withDeadline(loading, Math.max(requestMs, LOAD_MS), 'load');
    this.#heard();
    const taken = copy.loaded(ticket, snapshot) === 'taken';
    onChanges();
    return taken;
  }
}
