import { type Decision, strictness } from '../flags/index.ts';
import type { Work } from '../store/replica.ts';
import type { Identity } from './identity.ts';

/** Something that runs by a decision, and must be told when the same decision would no longer be made. */
export interface Watched {
  readonly decision: Decision;
  /** Decides the same call again, from what is known here now. */
  readonly look: () => Decision;
  /** Evaluates anew, where the mode comes from elsewhere than the local copy. */
  readonly refresh: () => Promise<void>;
  readonly stop: (decision: Decision) => void;
}

/** True when work that was let through by `before` must end: it would get another, stricter verdict. A pause lets it drain: it waits at its next checkpoint. */
const mustStop = (before: Decision, now: Decision): boolean => now.verdict !== 'pause' && isDraining(before, now);

/** True when work that runs would now wait or be stopped: a kill or a pause has reached it, and it has not ended yet. */
const isDraining = (before: Decision, now: Decision): boolean =>
  now.verdict !== before.verdict && strictness(now.mode) > strictness(before.mode);

/** The work that runs now: counted for the beats, and watched, so that each piece is told the moment that it is no longer allowed. */
export class InFlight {
  readonly #agents = new Map<string, number>();
  readonly #runs = new Map<string, number>();
  readonly #watched = new Set<Watched>();
  readonly #running = new Set<Watched>();
  readonly #draining = new Set<Watched>();
  readonly #onDrained: () => void;

  /** @param onDrained called when nothing is in flight any more of what must end */
  constructor(onDrained: () => void) {
    this.#onDrained = onDrained;
  }

  get count(): number {
    return this.#running.size;
  }

  get work(): Work {
    return {
      inFlight: this.#running.size,
      draining: this.#draining.size,
      agents: [...this.#agents.keys()],
      runs: [...this.#runs.keys()],
    };
  }

  /** An open run is work too, also between its actions; the returned function closes it. */
  open({ agentId, runId }: Identity): () => void {
    count(this.#agents, agentId, 1);
    count(this.#runs, runId, 1);
    return once(() => {
      count(this.#agents, agentId, -1);
      count(this.#runs, runId, -1);
    });
  }

  /** An action has started; the returned function says that it has ended. */
  start({ agentId, runId }: Identity, watched: Watched): () => void {
    this.#running.add(watched);
    count(this.#agents, agentId, 1);
    count(this.#runs, runId, 1);
    this.#watched.add(watched);
    return once(() => {
      this.#watched.delete(watched);
      count(this.#agents, agentId, -1);
      count(this.#runs, runId, -1);
      this.#running.delete(watched);
      if (this.#draining.delete(watched) && this.#draining.size === 0) this.#onDrained();
    });
  }

  /** Watches without counting; the returned function ends it. */
  watch(watched: Watched): () => void {
    this.#watched.add(watched);
    return () => this.#watched.delete(watched);
  }

  /** Something may have changed elsewhere than in the local copy: everybody evaluates anew, and then is told. */
  async refresh(): Promise<void> {
    await Promise.all([...this.#watched].map((watched) => watched.refresh()));
    this.check();
  }

  /** Something has changed: whoever is no longer allowed is told, in this very turn. Returns how many were. */
  check(): number {
    let told = 0;
    for (const watched of [...this.#watched]) {
      const now = watched.look();
      if (this.#running.has(watched)) {
        if (isDraining(watched.decision, now)) this.#draining.add(watched);
        else this.#draining.delete(watched);
      }
      if (!mustStop(watched.decision, now)) continue;
      this.#watched.delete(watched);
      watched.stop(now);
      told += 1;
    }
    return told;
  }
}

const count = (map: Map<string, number>, id: string | undefined, by: number): void => {
  if (id === undefined) return;
  const sum = (map.get(id) ?? 0) + by;
  if (sum > 0) map.set(id, sum);
  else map.delete(id);
};

const once = (end: () => void): (() => void) => {
  let ended = false;
  return () => {
    if (ended) return;
    ended = true;
    end();
  };
};
