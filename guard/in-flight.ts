import { type Decision, freezeDecision, strictness, type Subject, type WorkRow } from '../flags/index.ts';
import { MOST_ROWS, type Work } from '../store/own-beat.ts';
import type { Identity } from './identity.ts';
import { reportedSubject, type SeenHere } from './seen-here.ts';
import { StartsHere } from './starts-here.ts';
import type { GuardedSubject } from './subject.ts';

/** Fires the signal of work that must stop. Called after everything that must stop has been stopped. */
export type Abort = () => void;

/** Something that runs by a decision, and must stop when the same decision would no longer be made. */
export interface Watched {
  /** Frozen before anybody else gets it: a caller who changes it must not be able to hide a kill. */
  readonly decision: Decision;
  /** Decides about the same subject again, from what this process knows now. */
  readonly look: () => Decision;
  /** Evaluates the flag again. For switches whose mode does not come from the local copy. */
  readonly refresh: () => Promise<void>;
  /**
   * Ends what it has returned and gives the function that fires its signal; null when it was stopped before. The signal
   * fires later, because code that listens to it (perhaps another call's) may let a stream end as if it were complete:
   * so everything is ended before any signal fires. The decision is frozen: user code gets it as a signal's reason
   * before it is recorded.
   */
  readonly stop: (decision: Decision) => Abort | null;
}

/**
 * Work that is counted as in flight. It is not active between the steps of a result that goes on: a pause has reached
 * it then.
 */
export interface Running extends Watched {
  readonly isActive: () => boolean;
  readonly subject: GuardedSubject;
  /** What its code was given to stop by. */
  readonly work: {
    /** When its signal fired, as wall time in milliseconds; null: it has not. */
    readonly signalledAt: number | null;
    /** Whether the code has ever read its signal. */
    readonly hasReadSignal: boolean;
  };
}

/**
 * True when work that was let through by `before` must end: `now` gives it another, stricter verdict. A pause does not
 * end it: it drains, and waits at its next checkpoint.
 */
export const mustStop = (before: Decision, now: Decision): boolean =>
  now.verdict !== 'pause' && isDraining(before, now);

/** True when a kill or a pause has reached work that still runs: it would now wait or be stopped. */
export const isDraining = (before: Decision, now: Decision): boolean =>
  now.verdict !== before.verdict && strictness(now.mode) > strictness(before.mode);

/**
 * The work that runs now: counted for the beats, and watched, so that each piece is aborted the moment that it is no
 * longer allowed.
 */
export class InFlight {
  readonly #open = new Set<Identity>();
  /** What runs, and since when, as wall time in milliseconds. */
  readonly #running = new Map<Running, number>();
  readonly #watched = new Set<Watched>();
  readonly #draining = new Set<Running>();
  readonly #onDrained: () => void;
  readonly #onBegin: () => void;
  readonly #seen: SeenHere | null;
  readonly #starts = new StartsHere();
  readonly #onIdle: Array<() => void> = [];

  /**
   * @param onDrained called when the last draining action has ended
   * @param onBegin called when something has begun to run or to be watched
   * @param seen notes all that comes by; null: nobody is told
   */
  constructor(onDrained: () => void, onBegin: () => void = () => {}, seen: SeenHere | null = null) {
    this.#onDrained = onDrained;
    this.#onBegin = onBegin;
    this.#seen = seen;
  }

  get count(): number {
    return this.#running.size;
  }

  /** How much of it a restriction has reached, as far as the last look has shown. */
  get draining(): number {
    return this.#draining.size;
  }

  /** True when there is nothing that runs or is watched. */
  get isEmpty(): boolean {
    return this.#running.size === 0 && this.#watched.size === 0;
  }

  get work(): Work {
    const [agents, missions, runs] = [new Set<string>(), new Set<string>(), new Set<string>()];
    const note = ({ agentId, missionId, runId }: Pick<Subject, 'agentId' | 'missionId' | 'runId'>): void => {
      if (agentId !== undefined) agents.add(agentId);
      if (missionId !== undefined) missions.add(missionId);
      if (runId !== undefined) runs.add(runId);
    };
    for (const identity of this.#open) note(identity);
    for (const { subject } of this.#running.keys()) note(subject);
    return {
      inFlight: this.#running.size,
      draining: this.#draining.size,
      rows: this.#rows(),
      starts: this.#starts.rows,
      ...{ agents: [...agents], missions: [...missions], runs: [...runs] },
    };
  }

  /** Those that drain first; of both the oldest. */
  #rows(): WorkRow[] {
    const rows: WorkRow[] = [];
    for (const draining of [true, false]) {
      for (const [running, since] of this.#running) {
        if (rows.length === MOST_ROWS) return rows;
        if (this.#draining.has(running) === draining) rows.push(rowOf(running, since, draining));
      }
    }
    return rows;
  }

  /** Counts an open run as work, also between its actions. The returned function closes it. */
  open(identity: Identity): () => void {
    this.#open.add(identity);
    this.#seen?.noteRun(identity);
    return () => this.#open.delete(identity);
  }

  /** Notes once more who has a run open, or acts by default: since that was last noted, days may have passed. */
  noteOpen(): void {
    for (const identity of this.#open) this.#seen?.noteRun(identity);
  }

  /** A call came by that has not started, and perhaps never does. */
  met(subject: Subject): void {
    this.#seen?.noteAction(subject, Date.now());
  }

  /** The application has reported a number. */
  reported(subject: Subject, name: string): void {
    this.#seen?.noteReport(subject, name);
  }

  start(running: Running): void {
    const now = Date.now();
    this.#running.set(running, now);
    this.#starts.note(running.subject, now);
    this.#seen?.noteAction(running.subject, now);
    this.#onBegin();
  }

  end(running: Running): void {
    this.#running.delete(running);
    this.#drained(running);
    if (this.#running.size === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  /** Resolves when no action is running. */
  idle(): Promise<void> {
    return this.#running.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#onIdle.push(resolve));
  }

  /** The action waits for its caller to ask for the next step of its result. */
  rest(running: Running): void {
    if (this.#draining.has(running) && !this.#drains(running, running.look())) this.#drained(running);
  }

  #drains(running: Running, now: Decision): boolean {
    const { decision } = running;
    return isDraining(decision, now) && (mustStop(decision, now) || running.isActive());
  }

  #drained(running: Running): void {
    if (this.#draining.delete(running) && this.#draining.size === 0) this.#onDrained();
  }

  /** Watches something that is not counted; the returned function ends that. */
  watch(watched: Watched): () => void {
    freezeDecision(watched.decision);
    this.#watched.add(watched);
    this.#onBegin();
    return () => this.#watched.delete(watched);
  }

  /**
   * Evaluates the flag again for everything that runs, then stops what is no longer allowed. For changes that the local
   * copy does not see.
   */
  async refresh(): Promise<void> {
    await Promise.all([...this.#running.keys(), ...this.#watched].map((watched) => watched.refresh()));
    this.check();
  }

  /** Stops everything that is no longer allowed, in this turn of the event loop. Returns how many were stopped. */
  check(): number {
    const aborts: Abort[] = [];
    const stop = (watched: Watched, now: Decision): void => {
      const abort = watched.stop(freezeDecision(now));
      if (abort) aborts.push(abort);
    };
    for (const running of [...this.#running.keys()]) {
      if (!this.#running.has(running)) continue; // stopping another one has ended it
      const now = running.look();
      if (this.#drains(running, now)) this.#draining.add(running);
      else this.#draining.delete(running);
      if (mustStop(running.decision, now)) stop(running, now);
    }
    for (const watched of [...this.#watched]) {
      const now = watched.look();
      if (!mustStop(watched.decision, now)) continue;
      this.#watched.delete(watched);
      stop(watched, now);
    }
    for (const abort of aborts) abort();
    return aborts.length;
  }
}

const isoOf = (ms: number): string => new Date(ms).toISOString();

function rowOf({ subject, work }: Running, since: number, draining: boolean): WorkRow {
  const { signalledAt, hasReadSignal } = work;
  return {
    ...reportedSubject(subject),
    effect: subject.effect,
    since: isoOf(since),
    draining,
    signalled_at: signalledAt === null ? null : isoOf(signalledAt),
    reads_signal: hasReadSignal,
  };
}
