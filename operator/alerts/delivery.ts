import { setTimeout as sleep } from 'node:timers/promises';
import { type AlertTarget, type LogEvent, messageOf, shownId } from '../../flags/index.ts';
import type { AlertKeeper } from '../../store/capabilities/alerts.ts';
import type { ControlConnection } from '../../store/ports.ts';
import type { Order } from '../change-queue.ts';
import { SYSTEM } from '../operators.ts';
import { isChangeRefusedError } from '../refusals.ts';
import { attempt, type Secret } from './attempt.ts';
import type { AlertPace } from './pace.ts';
import { type Waiting, waitingFor } from './pending.ts';
import { Kept, NAMES, type Notices, type Progress, progressSchema, readRecord, secretSchema } from './records.ts';
import { dueAt, isTooOld } from './schedule.ts';

/** What a target's deliveries share with all others of this process. */
export interface Sending {
  readonly keeper: AlertKeeper;
  readonly log: ControlConnection['log'];
  readonly organizationId: string;
  readonly append: (order: Order) => Promise<unknown>;
  readonly pace: AlertPace;
  /** Whether this process is the one that sends. */
  readonly isHeld: () => boolean;
  /** The last change of the log, the store's time in milliseconds, and the notices, as they were read last. */
  readonly epoch: () => number;
  readonly now: () => number;
  readonly notices: () => Notices;
}

/** How many alerts are given up together. */
const MOST_GIVEN_UP = 10_000;
/** After so many changes that tell a target nothing, it is kept that they need not be read again. */
const KEPT_EVERY = 1000;
/** How long an attempt that is under way may go on when this process ends, in milliseconds. */
const CLOSING_MS = 1000;

const iso = (ms: number): string => new Date(ms).toISOString();

/**
 * Tells one target, one alert after the other: the next one is begun only when it is kept that the one before it was
 * delivered, or is given up. Each target has its own, so one that hangs holds up no other.
 */
export class Delivery {
  readonly target: AlertTarget;
  readonly #sending: Sending;
  readonly #kept: Kept<Progress>;
  readonly #closing = new AbortController();
  /** Fires a little later: an attempt that is under way may end. */
  readonly #cut = new AbortController();
  readonly #loop: Promise<void>;
  #secret: Secret | null = null;
  /** Null: it has to be read. */
  #progress: Progress | null = null;
  /** What is told next, once it was found. */
  #next: Waiting | null = null;
  /** Up to which change, and which notice, nothing waits. */
  #looked = { epoch: -1, notice: -1 };
  readonly #onTrouble: (problem: string) => void;

  /** @param onTrouble called with why the target is not reached, and with an empty text when it is again */
  constructor(target: AlertTarget, sending: Sending, onTrouble: (problem: string) => void) {
    this.target = target;
    this.#sending = sending;
    this.#onTrouble = onTrouble;
    this.#kept = new Kept(sending.keeper, NAMES.progress(target.id), progressSchema);
    this.#loop = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const cut = setTimeout(() => this.#cut.abort(), CLOSING_MS);
    await this.#loop;
    clearTimeout(cut);
  }

  /** It is no longer this process that tells the target: what kept it from that is over here. */
  letGo(): void {
    this.#onTrouble('');
  }

  /** The last notice that this target needs no more. */
  get doneNotice(): number {
    return Math.max(this.#progress?.notice ?? 0, this.#next ? 0 : this.#looked.notice);
  }

  /** Where it is, once that was read. */
  get secret(): Secret | null {
    return this.#secret;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      let wait = this.#sending.pace.lookMs;
      try {
        if (this.#sending.isHeld()) wait = await this.#step();
        else this.#forget(); // another process may go on from here
      } catch (error) {
        this.#forget();
        this.#failed(messageOf(error));
      }
      if (wait > 0) await sleep(wait, undefined, { signal }).catch(() => {}); // aborted: the loop ends
    }
  }

  #forget(): void {
    this.#progress = null;
    this.#next = null;
    this.#looked = { epoch: -1, notice: -1 };
  }

  /** Does what is to be done next. Resolves to how long nothing is, in milliseconds. */
  async #step(): Promise<number> {
    const { pace, now } = this.#sending;
    const progress = (this.#progress ??= await this.#begin());
    this.#next ??= await this.#find(progress);
    if (!this.#next) {
      this.#onTrouble('');
      return pace.lookMs;
    }
    const { alert } = this.#next;
    if (isTooOld(alert.at, now())) {
      await this.#giveUp(progress);
      return 0;
    }
    const { trying } = progress;
    const due = trying?.id === alert.id ? dueAt(trying.next_at, now()) - now() : 0;
    if (due > 0) return Math.min(due, pace.lookMs);
    await this.#try(progress, this.#next);
    return 0;
  }

  /** Where it has stopped. A new target begins with what comes after it was added. */
  async #begin(): Promise<Progress> {
    const { keeper, notices } = this.#sending;
    const name = NAMES.secret(this.target.id);
    const found = await keeper.read([name]);
    this.#secret = readRecord(secretSchema, name, found.get(name));
    const kept = await this.#kept.read();
    const first: Progress = { epoch: this.target.since, notice: notices().last, ...UNTOLD };
    if (!kept) await this.#kept.write(first);
    return kept ?? first;
  }

  /** The first alert that waits; null: none does. */
  async #find(progress: Progress): Promise<Waiting | null> {
    const { epoch: head, notices, log, organizationId } = this.#sending;
    const known = notices();
    if (head() <= Math.max(this.#looked.epoch, progress.epoch) && known.last <= this.#looked.notice) return null;
    let read = Math.max(this.#looked.epoch, progress.epoch);
    const counted = async function* (after: number): AsyncGenerator<LogEvent> {
      for await (const event of log(after)) {
        yield event;
        read = event.seq; // not of the change that removes the target: nothing after it is read
      }
    };
    const from = { ...progress, epoch: read };
    const found = waitingFor(this.target, from, { log: counted, notices: known, organizationId });
    for await (const waiting of found) return waiting;
    this.#looked = { epoch: read, notice: known.last };
    if (read - progress.epoch > KEPT_EVERY) await this.#keep({ ...progress, epoch: read });
    return null;
  }

  async #try(progress: Progress, { alert, after }: Waiting): Promise<void> {
    const { pace, now } = this.#sending;
    const outcome = this.#secret
      ? await attempt(alert, this.target, this.#secret, { ...pace, signal: this.#cut.signal })
      : { delivered: false, says: 'its address is gone from the store: remove it, and add it again' };
    const at = iso(now());
    if (outcome.delivered) {
      await this.#keep({ ...after, ...UNTOLD, delivered_at: at });
      return this.#onTrouble('');
    }
    if (this.#closing.signal.aborted) return; // it was cut off, and says nothing about the target
    const failures = (progress.trying?.id === alert.id ? progress.trying.failures : 0) + 1;
    const trying = { id: alert.id, failures, next_at: iso(now() + pace.waitAfter(failures)) };
    await this.#keep({ ...progress, trying, failure: { at, problem: outcome.says } }, this.#next);
    this.#failed(outcome.says);
  }

  /** Passes over all that is too old, which the log then says once. */
  async #giveUp(progress: Progress): Promise<void> {
    const { append, now, log, notices, organizationId } = this.#sending;
    let count = 0;
    let last: Waiting | null = null;
    for await (const waiting of waitingFor(this.target, progress, { log, notices: notices(), organizationId })) {
      if (!isTooOld(waiting.alert.at, now()) || count === MOST_GIVEN_UP) break;
      count += 1;
      last = waiting;
    }
    if (!last) return;
    const { name, id } = this.target;
    const command = { type: 'undelivered', name, id, count, last: last.alert.id } as const;
    await append({ command, actor: SYSTEM }).catch((error: unknown) => {
      // It is in the log already, or the target was removed.
      if (!isChangeRefusedError(error) || error.refusal.kind !== 'no_alert') throw error;
    });
    await this.#keep({ ...progress, ...last.after, trying: null });
  }

  /** Keeps how far it has come, also where the store takes that only later: until then nothing more is sent. */
  async #keep(after: Progress, next: Waiting | null = null): Promise<void> {
    const { pace } = this.#sending;
    while (!this.#closing.signal.aborted) {
      try {
        if (await this.#kept.write(after)) {
          this.#progress = after;
          this.#next = next;
        } else this.#forget(); // another process has gone on
        return;
      } catch (error) {
        this.#tell(`waits: how far it has come cannot be kept: ${messageOf(error)}`);
        await sleep(pace.lookMs, undefined, { signal: this.#closing.signal }).catch(() => {}); // aborted: the loop ends
      }
    }
    await this.#kept.write(after).catch(() => {}); // the last chance: else it is told again
  }

  #failed(why: string): void {
    this.#tell(`could not be delivered: ${why}. It is tried again, for three days.`);
  }

  #tell(what: string): void {
    this.#onTrouble(`The alert ${shownId(this.target.name)} ${what}`);
  }
}

const UNTOLD = { trying: null, delivered_at: null, failure: null } as const;
