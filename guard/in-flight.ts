import { type Decision, freezeDecision, strictness } from '../flags/index.ts';
import type { Work } from '../store/own-beat.ts';
import type { Identity } from './identity.ts';

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
  readonly #running = new Set<Running>();
  readonly #watched = new Set<Watched>();
  readonly #draining = new Set<Running>();
  readonly #onDrained: () => void;
  readonly #onBegin: () => void;
  readonly #onIdle: Array<() => void> = [];

  /**
   * @param onDrained called when the last draining action has ended
   * @param onBegin called when something has begun to run or to be watched
   */
  constructor(onDrained: () => void, onBegin: () => void = () => {}) {
    this.#onDrained = onDrained;
    this.#onBegin = onBegin;
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
    const [agents, runs] = [new Set<string>(), new Set<string>()];
    const note = ({ agentId, runId }: { agentId?: string | undefined; runId?: string | undefined }): void => {
      if (agentId !== undefined) agents.add(agentId);
      if (runId !== undefined) runs.add(runId);
    };
    for (const identity of this.#open) note(identity);
    for (const { decision } of this.#running) note(decision);
    return { inFlight: this.#running.size, draining: this.#draining.size, agents: [...agents], runs: [...runs] };
  }

  /** Counts an open run as work, also between its actions. The returned function closes it. */
  open(identity: Identity): () => void {
    this.#open.add(identity);
    return () => this.#open.delete(identity);
  }

  start(running: Running): void {
    this.#running.add(running);
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
    await Promise.all([...this.#running, ...this.#watched].map((watched) => watched.refresh()));
    this.check();
  }

  /** Stops everything that is no longer allowed, in this turn of the event loop. Returns how many were stopped. */
  check(): number {
    const aborts: Abort[] = [];
    const stop = (watched: Watched, now: Decision): void => {
      const abort = watched.stop(freezeDecision(now));
      if (abort) aborts.push(abort);
    };
    for (const running of [...this.#running]) {
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
