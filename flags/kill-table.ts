import type { Subject } from './context.ts';
import { KillFilter } from './kill-filter.ts';
import type { ActiveKill } from './records.ts';
import { readTarget, type TargetType } from './targets.ts';

const isNamed = (type: TargetType): boolean => type === 'agent' || type === 'mission' || type === 'run';

/** Active kills, held for looking them up: by the type of their target, then by its exact id. */
export class KillTable {
  readonly byType: { readonly [T in TargetType]: Map<string, ActiveKill> } = {
    all: new Map(),
    agent: new Map(),
    mission: new Map(),
    run: new Map(),
    action: new Map(),
    feature: new Map(),
    surface: new Map(),
  };
  readonly #named = new KillFilter();

  get size(): number {
    let size = 0;
    for (const kills of Object.values(this.byType)) size += kills.size;
    return size;
  }

  get(target: string): ActiveKill | undefined {
    const { type, id } = readTarget(target);
    return this.byType[type].get(id);
  }

  set(target: string, kill: ActiveKill): void {
    const { type, id } = readTarget(target);
    this.byType[type].set(id, kill);
    if (isNamed(type)) this.#addNamed(id);
  }

  delete(target: string): void {
    const { type, id } = readTarget(target);
    this.byType[type].delete(id);
  }

  *[Symbol.iterator](): Generator<readonly [string, ActiveKill]> {
    for (const kill of this.values()) yield [kill.target, kill];
  }

  *values(): Generator<ActiveKill> {
    for (const kills of Object.values(this.byType)) yield* kills.values();
  }

  /**
   * False when no agent, mission or run that the subject names is killed; true when one may be, so that the kills
   * themselves must be looked up.
   */
  mayBeNamed(subject: Subject): boolean {
    return this.#named.mayName(subject);
  }

  #addNamed(id: string): void {
    const { agent, mission, run } = this.byType;
    const all = function* (): Generator<string> {
      for (const kills of [agent, mission, run]) yield* kills.keys();
    };
    this.#named.add(id, all, agent.size + mission.size + run.size);
  }
}
