import { type Decision, freezeDecision, strictness } from '../flags/index.ts';
import type { Work } from '../store/own-beat.ts';
import type { Identity } from './identity.ts';

/** What is left to be done for something that must end, once all else that must has been told so: fires its signal. */
export type Tell = () => void;

/** Something that runs by a decision, and must be told when the same decision would no longer be made. */
export interface Watched {
  /** Frozen before anybody else has it: what whoever called does to it must not hide a kill. */
  readonly decision: Decision;
  /** Decides the same call again, from what is known here now. */
  readonly look: () => Decision;
  /** Evaluates anew, where the mode comes from elsewhere than the local copy. */
  readonly refresh: () => Promise<void>;
  /**
   * Ends what it has given, once; null when it had been told. What hears the signal, which may be that of another call,
   * may end just then as if it were complete: so no signal fires before all is ended. The decision is frozen: user code
   * gets it as a signal's reason before it is recorded.
   */
  readonly stop: (decision: Decision) => Tell | null;
}

/**
 * Work that is counted. Between the steps of a result that goes on it is not active, so that a pause has reached it
 * already.
 */
export interface Running extends Watched {
  readonly isActive: () => boolean;
}

/**
 * True when work that was let through by `before` must end: it would get another, stricter verdict. A pause lets it
 * drain: it waits at its next checkpoint.
 */
export const mustStop = (before: Decision, now: Decision): boolean =>
  now.verdict !== 'pause' && isDraining(before, now);

/**
 * True when work that runs would now wait or be stopped: a kill or a pause has reached it, and it has not ended yet.
 */
export const isDraining = (before: Decision, now: Decision): boolean =>
  now.verdict !== before.verdict && strictness(now.mode) > strictness(before.mode);

/**
 * The work that runs now: counted for the beats, and watched, so that each piece is told the moment that it is no
 * longer allowed.
 */
export class InFlight {
  readonly #open = new Set<Identity>();
  readonly #running = new Set<Running>();
  readonly #watched = new Set<Watched>();
  readonly #draining = new Set<Running>();
  readonly #onDrained: () => void;
  readonly #onIdle: Array<() => void> = [];

  /** @param onDrained called when the last draining action has ended */
  constructor(onDrained: () => void) {
    this.#onDrained = onDrained;
  }

  get count(): number {
    return this.#running.size;
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

  /** An open run is work too, also between its actions; the returned function closes it. */
  open(identity: Identity): () => void {
    this.#open.add(identity);
    return () => this.#open.delete(identity);
  }

  /** An action has started. */
  start(running: Running): void {
    this.#running.add(running);
  }

  /** An action has ended. */
  end(running: Running): void {
    this.#running.delete(running);
    this.#drained(running);
    if (this.#running.size === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  /** Resolves when no action runs. */
  idle(): Promise<void> {
    return this.#running.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#onIdle.push(resolve));
  }

  /** An action rests until its next step. */
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

  /** Watches without counting; the returned function ends it. */
  watch(watched: Watched): () => void {
    freezeDecision(watched.decision);
    this.#watched.add(watched);
    return () => this.#watched.delete(watched);
  }

  /** Something may have changed elsewhere than in the local copy: everybody evaluates anew, and then is told. */
  async refresh(): Promise<void> {
    await Promise.all([...this.#running, ...this.#watched].map((watched) => watched.refresh()));
    this.check();
  }

  /** Something has changed: whoever is no longer allowed is told, in this very turn. Returns how many were. */
  check(): number {
    const told: Tell[] = [];
    const stop = (watched: Watched, now: Decision): void => {
      const tell = watched.stop(freezeDecision(now));
      if (tell) told.push(tell);
    };
    for (const running of [...this.#running]) {
      if (!this.#running.has(running)) continue; // it has ended with one that was told before it
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
    for (const tell of told) tell();
    return told.length;
  }
}
