import type { Cause } from './causes.ts';
import type { Subject } from './context.ts';
import type { Entry } from './entries.ts';
import type { Mode } from './modes.ts';
import { conditionAsksForTime, isMet } from './rule-condition.ts';
import { DRAINING } from './rule-entry.ts';
import { nextChangeOf, openUntil, phaseAt, type RuleTimes, timesOf } from './rule-times.ts';
import type { StoreNow } from './store-time.ts';
import { idsIn, readTarget, TARGET_TYPES, type TargetType } from './targets.ts';

/** A standing rule, held for deciding by it. */
export interface Rule {
  readonly name: string;
  readonly entry: Entry<'rule'>;
  readonly times: RuleTimes | null;
}

/** Who asks, and when. `context`: the whole of it; a function, because only rules with a condition look at it. */
export interface Asker {
  readonly context: () => Readonly<Record<string, unknown>>;
  readonly now: StoreNow;
}

/** What a rule that reaches somebody leaves them now; null where it restricts nothing. */
export function modeOfRule({ entry, times }: Rule, { context, now }: Asker): Mode | null {
  const phase = times === null ? 'applies' : phaseAt(times, now());
  if (phase === 'rests' || !isMet(entry, context, now)) return null;
  return phase === 'applies' ? entry.mode : DRAINING;
}

/** Why, where a rule restricts; with the end of its window, where that is known. */
export function causeOfRule({ name, times }: Rule, now: StoreNow): Cause {
  const until = times === null ? null : openUntil(times, now());
  return { kind: 'rule', rule: name, until: until === null ? null : new Date(until).toISOString() };
}

/** Standing rules, by their names, and by what they reach. */
export class RuleTable {
  readonly #rules = new Map<string, Rule>();
  readonly #byTarget: { readonly [T in TargetType]: Map<string, Rule[]> } = {
    all: new Map(),
    agent: new Map(),
    mission: new Map(),
    run: new Map(),
    action: new Map(),
    feature: new Map(),
    surface: new Map(),
  };

  get size(): number {
    return this.#rules.size;
  }

  get(name: string): Entry<'rule'> | undefined {
    return this.#rules.get(name)?.entry;
  }

  set(name: string, entry: Entry<'rule'>): void {
    this.delete(name);
    const rule: Rule = { name, entry, times: timesOf(entry.window) };
    this.#rules.set(name, rule);
    const { type, id } = readTarget(entry.target);
    this.#byTarget[type].set(id, [...(this.#byTarget[type].get(id) ?? []), rule]);
  }

  delete(name: string): void {
    const before = this.#rules.get(name);
    if (!before) return;
    this.#rules.delete(name);
    const { type, id } = readTarget(before.entry.target);
    const others = (this.#byTarget[type].get(id) ?? []).filter((rule) => rule !== before);
    if (others.length > 0) this.#byTarget[type].set(id, others);
    else this.#byTarget[type].delete(id);
  }

  *[Symbol.iterator](): Generator<readonly [string, Entry<'rule'>]> {
    for (const { name, entry } of this.#rules.values()) yield [name, entry];
  }

  values(): Iterable<Rule> {
    return this.#rules.values();
  }

  /** The rules whose target is the subject, whenever and for whom they apply; each once. */
  reaching(subject: Subject): ReadonlySet<Rule> {
    const found = new Set<Rule>();
    for (const type of TARGET_TYPES) {
      const rules = this.#byTarget[type];
      if (rules.size === 0) continue;
      for (const id of idsIn(type, subject))
        if (id !== undefined) for (const rule of rules.get(id) ?? []) found.add(rule);
    }
    return found;
  }

  /** The first moment after `now` at which a rule may decide otherwise, without an event; null: none. */
  nextChange(now: number): number | null {
    let next: number | null = null;
    for (const { entry, times } of this.#rules.values()) {
      const at = conditionAsksForTime(entry) ? nextSecond(now) : nextChangeOf(times, now);
      if (at !== null && (next === null || at < next)) next = at;
    }
    return next;
  }
}

/** Conditions know the time in whole seconds. */
export const nextSecond = (now: number): number => (Math.floor(now / 1000) + 1) * 1000;
