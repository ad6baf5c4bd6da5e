import { ownAndParents, type Subject } from './context.ts';
import { CountingClock, hashOf } from './counting-clock.ts';
import type { State } from './state.ts';
import { liftedAt } from './stops.ts';
import { DEFAULT_TRIPWIRES, parseTripsOn, type Tripwire, type TripsOn } from './tripwire-records.ts';

/** Something that happened, as tripwires see it. */
export type Occurrence =
  /** A call that is about to be made; `input`: a text that equal arguments share. */
  | { readonly is: 'call'; readonly subject: Subject; readonly action: string; readonly input: string }
  /** An action that threw. */
  | { readonly is: 'failure'; readonly subject: Subject }
  /** A call that was refused, or that asked a person. `kind`: that of its record, as `HARD_BLOCK`. */
  | { readonly is: 'intervention'; readonly subject: Subject; readonly kind: string; readonly isRefusal: boolean }
  /** A number that the application has reported. */
  | { readonly is: 'report'; readonly subject: Subject; readonly name: string; readonly value: number };

/** A tripwire that has tripped, and what it stops. */
export interface Trip {
  readonly tripwire: string;
  readonly definition: Tripwire;
  readonly target: string;
  readonly value: number;
  readonly limit: number;
}

/** How many different things are counted at once; of more, those that were not counted for longest are forgotten. */
const MOST_COUNTS = 10_000;

/** All tripwires of a state, those that are there by default included. */
export function* tripwiresOf({ tripwires }: Pick<State, 'tripwires'>): Generator<readonly [string, Tripwire]> {
  for (const [name, definition] of Object.entries(DEFAULT_TRIPWIRES))
    if (!tripwires.has(name)) yield [name, definition];
  for (const [name, { definition }] of tripwires) if (definition) yield [name, definition];
}

/** What of an occurrence a tripwire counts apart; null where it counts nothing of it. */
function countedApart({ what, name }: TripsOn, occurrence: Occurrence): string | null {
  switch (occurrence.is) {
    case 'call':
      return what === 'repeats' ? `${occurrence.action}\n${occurrence.input}` : null;
    case 'failure':
      return what === 'failures' ? '' : null;
    case 'intervention':
      if (what === 'refusals') return occurrence.isRefusal ? '' : null;
      return what === 'interventions' && (name === null || name.toUpperCase() === occurrence.kind.toUpperCase())
        ? ''
        : null;
    case 'report':
      return what === 'report' && name === occurrence.name ? '' : null;
    default:
      return occurrence satisfies never;
  }
}

/** Whom a tripwire counts for: the run or the agent, and its parents, whose loop it may be. */
const countedFor = (scope: Tripwire['scope'], { runId, lineageRuns, agentId, lineageAgents }: Subject) =>
  scope === 'run' ? ownAndParents(runId, lineageRuns) : ownAndParents(agentId, lineageAgents);

/** What is counted for one target. */
interface Counts {
  readonly key: string;
  /** What makes the tripwire another one, and since which epoch is counted. */
  readonly terms: string;
  /** What the hash of whatever is counted for it begins with. */
  readonly seed: number;
  /** How many different things are counted. */
  size: number;
}

/** A tripwire of a state, read once. `last`: what was counted last, for most calls are those of one run. */
interface Wire {
  readonly name: string;
  readonly definition: Tripwire;
  readonly on: TripsOn;
  readonly text: string;
  last: { readonly id: string; readonly counts: Counts } | null;
}

/**
 * Counts what the calls of this process do, and says which tripwires trip. Equal calls are counted wherever they stand,
 * so a sequence that repeats itself (A, B, A, B) trips with the first call of the round that is too many. Counts are of
 * this process; what was lifted is counted anew.
 */
export class TripwireDetector {
  readonly #counts = new Map<string, Counts>();
  readonly #clock = new CountingClock<Counts>(MOST_COUNTS, (of) => this.#forget(of));
  #seed = 0;
  #wires: readonly Wire[] = [];
  #of: { readonly state: State; readonly epoch: number } | null = null;

  /** Whether any tripwire counts things of this kind for that subject: without one there is nothing to take. */
  counts(state: State, what: TripsOn['what'], subject: Subject): boolean {
    for (const { on, definition } of this.#wiresOf(state))
      if (on.what === what && countedFor(definition.scope, subject).length > 0) return true;
    return false;
  }

  /**
   * Takes what has happened, at `now`, the store's time in milliseconds. With a limit of N, N pass and the next trips,
   * and so does each one after it; a report trips above its limit, and where it is no number.
   */
  take(state: State, occurrence: Occurrence, now: number): readonly Trip[] {
    const trips: Trip[] = [];
    for (const wire of this.#wiresOf(state)) {
      const apart = countedApart(wire.on, occurrence);
      if (apart === null) continue;
      const { name, definition } = wire;
      for (const id of countedFor(definition.scope, occurrence.subject)) {
        const value =
          occurrence.is === 'report'
            ? occurrence.value
            : this.#count(wire, this.#countsOf(wire, id, state), { apart, now });
        if (!(value <= definition.limit))
          trips.push({
            tripwire: name,
            definition,
            target: `${definition.scope}:${id}`,
            value,
            limit: definition.limit,
          });
      }
    }
    return trips;
  }

  /** The tripwires of a state, read anew after each event. */
  #wiresOf(state: State): readonly Wire[] {
    if (this.#of?.state === state && this.#of.epoch === state.epoch) return this.#wires;
    this.#of = { state, epoch: state.epoch };
    this.#wires = [...tripwiresOf(state)].map(([name, definition]) => {
      const { on, limit, window_ms, scope, do: mode } = definition;
      const text = JSON.stringify([on, limit, window_ms, scope, mode]);
      return { name, definition, on: parseTripsOn(on), text, last: null };
    });
    return this.#wires;
  }

  #countsOf(wire: Wire, id: string, state: State): Counts {
    if (wire.last?.id === id) return wire.last.counts;
    const target = `${wire.definition.scope}:${id}`;
    const key = `${wire.name}\n${target}`;
    const terms = `${wire.text} ${liftedAt(state, target)}`;
    const known = this.#counts.get(key);
    if (known?.terms === terms) {
      wire.last = { id, counts: known };
      return known;
    }
    this.#seed += 1; // what was counted by other terms is counted no more, and is forgotten in its turn
    const counts = { key, terms, seed: this.#seed, size: 0 };
    this.#counts.set(key, counts);
    wire.last = { id, counts };
    return counts;
  }

  #count({ definition }: Wire, of: Counts, { apart, now }: { readonly apart: string; readonly now: number }): number {
    const hash = hashOf(apart, of.seed);
    const times = this.#clock.again(hash, { now, windowMs: definition.window_ms });
    if (times !== null) return times;
    of.size += 1;
    this.#clock.first(hash, of, now);
    return 1;
  }

  #forget(of: Counts): void {
    of.size -= 1;
    if (of.size > 0 || this.#counts.get(of.key) !== of) return;
    this.#counts.delete(of.key);
    for (const wire of this.#wires) if (wire.last?.counts === of) wire.last = null;
  }
}
