import { randomUUID } from 'node:crypto';
import {
  type EntryKey,
  handlingOf,
  type Head,
  isKillSwitchError,
  KillSwitchError,
  type LogEvent,
  messageOf,
} from '../flags/index.ts';
import type { ControlConnection, ControlView } from '../store/ports.ts';
import { Rounds } from '../store/rounds.ts';
import { within } from '../store/with-deadline.ts';
import { CHECKS } from './checks.ts';
import { type Command, entriesFor } from './commands/index.ts';
import { type Actor, actorName } from './operators.ts';
import type { Check, Objection, PlannedChange } from './plan.ts';
import { nextJobs, type PlannedBatch, planBatch } from './plan-batch.ts';
import { ChangeRefusedError, type PendingRequest } from './refusals.ts';

/** The store that is changed, and how. */
export interface ChangeQueueOptions {
  readonly connection: ControlConnection;
  /** How long a change is tried that does not say so itself, in milliseconds. */
  readonly retryMs: number;
  /** The checks of each change; default `CHECKS`. */
  readonly checks?: readonly Check[] | undefined;
}

/** A command, and who gives it. */
export interface Order {
  readonly command: Command;
  readonly actor: Actor;
  /** How long it is tried, in milliseconds; default: as the queue's. */
  readonly retryMs?: number | undefined;
}

/**
 * A command that was recorded. `view` is the state after its batch. Where the answer to the append was lost and the
 * event was found in the log, `change` is null and `view` is the state as it was read then.
 */
export interface Recorded {
  readonly is: 'recorded';
  readonly event: LogEvent;
  readonly head: Head;
  readonly view: ControlView;
  readonly change: PlannedChange | null;
}

/** The answer to a command that was not refused. */
export type Appended = Recorded | { readonly is: 'pending'; readonly request: PendingRequest };

/**
 * How many changes are appended at once at most. A thousand take a few round trips, and no batch holds up the store for
 * long.
 */
const MOST_AT_ONCE = 250;

/**
 * How long `close` waits for the append that is under way at most, in milliseconds. The store's own bound is usually
 * shorter.
 */
const CLOSING_MS = 5000;

/** One command on its way into the log. */
interface Job extends Order {
  /** Chosen once, however often it is planned again, so that a retry can find its own event. */
  readonly commandId: string;
  readonly keys: readonly EntryKey[];
  readonly retryMs: number;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
  /**
   * When it is given up, by `performance.now()`. Set at its first try: waiting for others before that does not count.
   */
  deadline: number | null;
  notBefore: number;
  tries: number;
  /**
   * Where in the log its event may be: after epoch `after`, up to epoch `last`; and the objection, where the event is a
   * request. Null while it is certain that no append of it was taken.
   */
  unanswered: { readonly after: number; readonly last: number; readonly objection: Objection | null } | null;
  /** True: it is tried alone, because a batch with it had something wrong. */
  alone: boolean;
}

/**
 * The queue of all changes that go over one connection. Waiting changes are appended together, kills first, so that
 * they do not compete with each other. Where another process has appended first, kills are planned again at once, and
 * other changes wait longer each time: giving authority back cannot hold up a kill. Each change is tried until it is
 * recorded or its time is over. A loosening keeps the epoch that it named, however often it is planned again.
 */
export class ChangeQueue {
  readonly #connection: ControlConnection;
  readonly #retryMs: number;
  readonly #checks: readonly Check[];
  #waiting: Job[] = [];
  readonly #batches = new Rounds({
    round: () => this.#next(),
    goesOn: () => this.#waiting.length > 0,
  });
  #wake: () => void = () => {};
  #most = MOST_AT_ONCE;
  /** The append that is under way, or the last one. Never rejects. */
  #sending: Promise<void> = Promise.resolve();
  #closed = false;

  constructor({ connection, retryMs, checks = CHECKS }: ChangeQueueOptions) {
    this.#connection = connection;
    this.#retryMs = retryMs;
    this.#checks = checks;
  }

  /** @throws ChangeRefusedError; KillSwitchError that says why the store did not take it in time */
  append({ command, actor, retryMs = this.#retryMs }: Order): Promise<Appended> {
    if (this.#closed) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      const keys = entriesFor(command);
      this.#waiting.push({
        command,
        actor,
        commandId: randomUUID(),
        keys,
        retryMs,
        resolve,
        reject,
        deadline: null,
        notBefore: 0,
        tries: 0,
        unanswered: null,
        alone: false,
      });
      this.#wake();
      void this.#batches.begin();
    });
  }

  /**
   * From now on nothing is appended. What was not sent is refused with CLOSED; what is being appended is waited for, at
   * most `CLOSING_MS`, and answered as the store answers it.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#refuse(this.#waiting.splice(0));
    this.#wake();
    await within(this.#sending, CLOSING_MS, closedError).catch(() => {}); // the connection's end answers it then
  }

  async #next(): Promise<void> {
    await Promise.resolve(); // changes that are asked for in one turn are appended together
    const batch = this.#take();
    if (batch.length > 0) await this.#attempt(batch);
    else await this.#pause();
  }

  #take(): readonly Job[] {
    const batch = nextJobs(this.#waiting, performance.now(), this.#most);
    const taken = new Set(batch);
    this.#waiting = this.#waiting.filter((job) => !taken.has(job));
    return batch;
  }

  /** Waits until the next change is due, or another comes. */
  async #pause(): Promise<void> {
    if (this.#waiting.length === 0) return; // closed meanwhile
    const next = Math.min(...this.#waiting.map(({ notBefore }) => notBefore));
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, Math.max(1, next - performance.now()));
    });
    clearTimeout(timer);
    this.#wake = () => {};
  }

  /** Tries one batch. Never rejects: each job is answered, or waits again. */
  async #attempt(batch: readonly Job[]): Promise<void> {
    for (const job of batch) job.deadline ??= performance.now() + job.retryMs;
    let open = batch;
    try {
      const view = await this.#connection.read([...new Set(batch.flatMap(({ keys }) => keys))]);
      // Reading a long log may have taken long; that does not count.
      for (const job of batch) if (job.tries === 0) job.deadline = performance.now() + job.retryMs;
      open = await this.#withoutRecorded(batch, view);
      if (this.#closed) throw closedError();
      const plan = planBatch(view, open, this.#checks);
      // An objection is an answer, no failure of the store: its job is not tried again.
      for (const { job, objection } of plan.objected) answer(job, objection);
      this.#waiting.unshift(...plan.left);
      open = plan.planned.map(({ job }) => job);
      if (open.length === 0) return;
      if (await this.#send(view, plan)) this.#appended(plan);
      else this.#overtaken(open, plan);
    } catch (error) {
      this.#failed(open, error);
    }
  }

  /**
   * Appends a batch. Where no answer comes, each job notes where its event may be: the log takes it only right behind
   * the head that it was planned on.
   */
  async #send(view: ControlView, { planned, appends }: PlannedBatch<Job>): Promise<boolean> {
    const appending = this.#connection.append(...appends);
    this.#sending = appending.then(
      () => {},
      () => {},
    );
    try {
      return await appending;
    } catch (error) {
      if (handlingOf(error).retry !== 'again') throw error; // nothing was appended
      const epoch = view.head?.epoch ?? 0;
      for (const { job, change, objection } of planned) {
        const after = Math.min(job.unanswered?.after ?? epoch, epoch);
        job.unanswered = { after, last: change.event.seq, objection };
      }
      throw error;
    }
  }

  #appended({ planned, after }: PlannedBatch<Job>): void {
    this.#most = Math.min(MOST_AT_ONCE, this.#most * 2);
    for (const { job, change, objection } of planned) {
      const recorded: Recorded = { is: 'recorded', event: change.event, head: change.head, view: after, change };
      answer(job, objection ?? recorded);
    }
  }

  /**
   * Another process has appended first. Jobs that give no authority back wait a few milliseconds: they have precedence
   * next, and the more of them go together, the sooner others may append. Of other jobs fewer go together, because a
   * smaller batch is planned sooner.
   */
  #overtaken(batch: readonly Job[], { loosens }: PlannedBatch<Job>): void {
    if (loosens) this.#most = Math.max(1, Math.ceil(batch.length / 2));
    this.#retry(batch, loosens ? later : soon, (job) => refusal(job, new KillSwitchError('CONFLICT', MOVED_ON)));
  }

  #failed(batch: readonly Job[], error: unknown): void {
    const { retry } = handlingOf(error);
    if (retry === 'alone') {
      // One of them is wrong: each is tried alone, so that the others are recorded.
      for (const job of batch) {
        if (batch.length === 1) job.reject(refusal(job, error));
        else this.#waiting.push(Object.assign(job, { alone: true }));
      }
      return;
    }
    // A smaller batch may fit, for instance on a disk that is nearly full.
    this.#most = Math.max(1, Math.floor(batch.length / 2));
    if (retry === 'never') for (const job of batch) job.reject(notRecorded(job, error));
    else this.#retry(batch, later, (job) => gaveUp(job, error));
  }

  /** Lets the jobs wait together, unless their time is over. */
  #retry(batch: readonly Job[], wait: (tries: number) => number, failure: (job: Job) => unknown): void {
    if (this.#closed) return this.#refuse(batch);
    const tries = Math.max(...batch.map((job) => ++job.tries));
    const notBefore = performance.now() + wait(tries);
    for (const job of batch) {
      if (notBefore <= (job.deadline ?? 0)) this.#waiting.push(Object.assign(job, { notBefore }));
      else job.reject(failure(job));
    }
  }

  #refuse(jobs: readonly Job[]): void {
    for (const job of jobs) job.reject(refusal(job, closedError()));
  }

  /** Answers the jobs whose event is in the log although the store's answer was lost; returns the others. */
  async #withoutRecorded(batch: readonly Job[], view: ControlView): Promise<readonly Job[]> {
    const { head } = view;
    const sought = batch.flatMap(({ unanswered }) => unanswered ?? []);
    const after = Math.min(...sought.map((place) => place.after));
    const last = Math.max(...sought.map((place) => place.last));
    if (sought.length === 0 || !head || head.epoch <= after) return batch;
    const missing = new Map(batch.flatMap((job) => (job.unanswered ? [[job.commandId, job] as const] : [])));
    for await (const event of this.#connection.log(after)) {
      if (event.seq > last) break; // others may append faster than a long log can be read
      const job = missing.get(String(event.data['command_id']));
      if (!job || event.actor !== actorName(job.actor)) continue;
      missing.delete(job.commandId);
      const at = { ...head, epoch: event.seq, hash: event.hash };
      answer(job, job.unanswered?.objection ?? { is: 'recorded', event, head: at, view, change: null });
      if (missing.size === 0) break;
    }
    return batch.filter((job) => job.unanswered === null || missing.has(job.commandId));
  }
}

/** Answers a job whose event is in the log, or of which nothing is recorded. */
function answer({ resolve, reject }: Job, end: Recorded | Objection): void {
  if (end.is === 'recorded') resolve(end);
  else if (end.is === 'pending') resolve({ is: 'pending', request: end.request });
  else reject(new ChangeRefusedError(end.refusal));
}

/** Why a job is tried no more. Where an answer to it was lost the error says that it may have been recorded. */
const refusal = (job: Job, error: unknown): unknown => (job.unanswered ? gaveUp(job, error) : error);

/** Of a store that takes no change. A kill says so first: whoever stops something must not take it for done. */
const notRecorded = (job: Job, error: unknown): unknown =>
  isKillSwitchError(error) && !job.unanswered && job.command.type === 'kill'
    ? new KillSwitchError(error.code, `The kill was NOT recorded. ${error.message}`, { cause: error })
    : refusal(job, error);

// How long jobs wait, in milliseconds. The random part keeps apart processes that were overtaken at the same time.
const soon = (tries: number): number => Math.random() * Math.min(30, 2 * tries);
const later = (tries: number): number => Math.min(500, 20 * 2 ** Math.min(tries, 5)) * (0.5 + Math.random() / 2);

const MOVED_ON = 'The log moved on each time this change was tried. Try again.';

/** The error of a control plane that has been closed. Of a change: it was not recorded. */
export const closedError = (): KillSwitchError => new KillSwitchError('CLOSED', 'This control plane has been closed.');

/**
 * Codes by which a caller takes a change for not recorded. An error has none of them where an answer to it was lost.
 */
const SAYS_UNCHANGED: ReadonlySet<string> = new Set(['CLOSED', 'CONFLICT']);

const gaveUp = ({ command, unanswered }: Job, error: unknown): KillSwitchError =>
  new KillSwitchError(
    isKillSwitchError(error) && !(unanswered && SAYS_UNCHANGED.has(error.code)) ? error.code : 'STORE_UNREACHABLE',
    `The ${command.type} was ${unanswered ? 'not acknowledged by the store, and may or may not have been recorded' : 'not recorded, because the store could not be read'}: ${messageOf(error)} Executors that cannot reach the store stop by themselves when their lease is over. Repeat the command: it is recorded only once.`,
    { cause: error },
  );
