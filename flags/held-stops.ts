import type { Subject } from './context.ts';
import { type EntryKey, entryKey, type StateView } from './entries.ts';
import { isStricter } from './modes.ts';
import { isLifted, isRecorded, type Stop, type StopTerms, stopTerms } from './stops.ts';
import { actionPatterns } from './targets.ts';

/** How many stops are kept that do not hold. */
const MOST_KNOWN = 10_000;

/**
 * The stops of executors that hold although the log does not have them yet. One that was seen holds until the log has
 * it, also where it is in no list any longer: only a person lifts it.
 */
export class HeldStops {
  readonly #stops = new Map<string, Stop>();
  #held = new Map<string, StopTerms>();
  #isStale = false;

  /** How many stops are known, those that do not hold included. */
  get size(): number {
    return this.#stops.size;
  }

  /** Those that hold, by their targets. */
  held(view: StateView): ReadonlyMap<string, StopTerms> {
    if (this.#isStale) this.#judge(view);
    return this.#held;
  }

  /** The state has changed: what holds is judged anew before it is next asked for. */
  hasChanged(): void {
    if (this.#stops.size > 0) this.#isStale = true;
  }

  /** Takes stops as they were read. @returns the keys of the kills as which those that are new will be in the log */
  take(stops: Iterable<Stop>, view: StateView): readonly EntryKey[] {
    const before = new Set(this.held(view).keys());
    for (const stop of stops) {
      // Two executors may have chosen one id; neither takes the other's place.
      this.#stops.set(`${stop.by} ${stop.name} ${stop.target} ${stop.id}`, stop);
      this.#isStale = true;
    }
    return [...this.held(view).keys()]
      .filter((target) => !before.has(target))
      .map((target) => entryKey('kill', target));
  }

  /** The strictest that reaches a subject; of equally strict ones the first that is looked up. */
  strictest(view: StateView, subject: Subject): StopTerms | undefined {
    if (this.#stops.size === 0) return undefined; // most of the time
    let strictest: StopTerms | undefined;
    for (const [, terms] of this.reaching(view, subject))
      if (!strictest || isStricter(terms.mode, strictest.mode)) strictest = terms;
    return strictest;
  }

  /** Those that reach a subject, with their targets, in the order in which they are looked up. */
  *reaching(view: StateView, subject: Subject): Generator<readonly [target: string, terms: StopTerms]> {
    const held = this.held(view);
    if (held.size === 0) return;
    for (const target of targetsOf(subject)) {
      const terms = held.get(target);
      if (terms) yield [target, terms];
    }
  }

  #judge(view: StateView): void {
    this.#isStale = false;
    const held = new Map<string, StopTerms>();
    for (const [key, stop] of this.#stops) {
      const terms = stopTerms(view, stop);
      const known = held.get(stop.target);
      // Of one that the log has, its kill decides: also whether a rollback may pass it.
      const holds = terms && !isRecorded(view, stop.target, terms);
      if (holds && (!known || isStricter(terms.mode, known.mode))) held.set(stop.target, terms);
      // One whose budget is not known yet stays, within bounds: its definition may be on its way.
      if (!terms && (isLifted(view, stop) || this.#stops.size > MOST_KNOWN)) this.#stops.delete(key);
    }
    this.#held = held;
  }
}

function* targetsOf(subject: Subject): Generator<string> {
  yield 'all';
  const { agentId, missionId, runId, lineageAgents, lineageMissions, lineageRuns, action } = subject;
  for (const id of [agentId, ...(lineageAgents ?? [])]) if (id !== undefined) yield `agent:${id}`;
  for (const id of [missionId, ...(lineageMissions ?? [])]) if (id !== undefined) yield `mission:${id}`;
  for (const id of [runId, ...(lineageRuns ?? [])]) if (id !== undefined) yield `run:${id}`;
  if (action === undefined) return;
  yield `action:${action}`;
  for (const pattern of actionPatterns(action)) yield `action:${pattern}`;
}
