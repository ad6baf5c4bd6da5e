import type { Work } from '../store/replica.ts';
import type { Identity } from './identity.ts';

/** Counts the work that runs now, for the beats: how many actions, for which agents and in which runs. */
export class InFlight {
  #count = 0;
  readonly #agents = new Map<string, number>();
  readonly #runs = new Map<string, number>();
  readonly #onDrained: () => void;

  /** @param onDrained called when nothing is in flight any more */
  constructor(onDrained: () => void) {
    this.#onDrained = onDrained;
  }

  get work(): Work {
    return { inFlight: this.#count, agents: [...this.#agents.keys()], runs: [...this.#runs.keys()] };
  }

  /** An open run is work too, also between its actions. */
  open(identity: Identity): () => void {
    return this.#hold([identity.agentId, identity.runId]);
  }

  /** Starts `execute` in this very turn, and counts it until it has settled. */
  async track<T>(identity: Identity, execute: () => T | Promise<T>): Promise<T> {
    const release = this.#hold([identity.agentId, identity.runId]);
    this.#count += 1;
    try {
      return await execute();
    } finally {
      this.#count -= 1;
      release();
      if (this.#count === 0) this.#onDrained();
    }
  }

  #hold([agentId, runId]: [string | undefined, string | undefined]): () => void {
    const add = (map: Map<string, number>, id: string | undefined, by: number): void => {
      if (id === undefined) return;
      const count = (map.get(id) ?? 0) + by;
      if (count > 0) map.set(id, count);
      else map.delete(id);
    };
    add(this.#agents, agentId, 1);
    add(this.#runs, runId, 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      add(this.#agents, agentId, -1);
      add(this.#runs, runId, -1);
    };
  }
}
