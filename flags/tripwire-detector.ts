import type { Subject } from './context.ts';
import { SlidingCount } from './sliding-count.ts';
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
function countedFor(scope: Tripwire['scope'], subject: Subject): readonly string[] {
  const [own, parents] =
    scope === 'run' ? [subject.runId, subject.lineageRuns] : [subject.agentId, subject.lineageAgents];
  if (!parents) return own === undefined ? [] : [own];
  return [...new Set([...(own === undefined ? [] : [own]), ...parents])];
}

/** A tripwire of a state, read once. */
interface Wire {
  readonly name: string;
  readonly definition: Tripwire;
  readonly on: TripsOn;
  /** What makes it another one. */
  readonly text: string;
}

/** What is counted for one target: by what is counted apart, the time of the first, and a count from the second on. */
interface Counted {
  readonly text: string;
  readonly since: number;
  readonly counts: Map<string, number | SlidingCount>;
}

/**
 * Counts what the calls of this process do, and says which tripwires trip. Equal calls are counted wherever they stand,
 * so a sequence that repeats itself (A, B, A, B) trips with the first call of the round that is too many. Counts are of
 * this process; what was lifted is counted anew.
 */
export class TripwireDetector {
  /** By tripwire and target; the one that was counted last is last. */
  readonly #counted = new Map<string, Counted>();
  #size = 0;
  #last: Counted | null = null;
  #wires: readonly Wire[] = [];
  #of: { readonly state: State; readonly epoch: number } | null = null;

  /** Whether any tripwire counts things of this kind for that subject: without one there is nothing to take. */
  counts(state: State, what: TripsOn['what'], { runId, agentId, lineageRuns, lineageAgents }: Subject): boolean {
    const isOf = { run: runId !== undefined || !!lineageRuns, agent: agentId !== undefined || !!lineageAgents };
    return this.#wiresOf(state).some(({ on, definition }) => on.what === what && isOf[definition.scope]);
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
        const target = `${definition.scope}:${id}`;
        const value =
          occurrence.is === 'report' ? occurrence.value : this.#count(wire, { target, state }, { apart, now });
        if (!(value <= definition.limit))
          trips.push({ tripwire: name, definition, target, value, limit: definition.limit });
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
      return { name, definition, on: parseTripsOn(on), text: JSON.stringify([on, limit, window_ms, scope, mode]) };
    });
    return this.#wires;
  }

  #count(
    { name, text, definition }: Wire,
    { target, state }: { readonly target: string; readonly state: State },
    { apart, now }: { readonly apart: string; readonly now: number },
  ): number {
    const { counts } = this.#countedOf(`${name}\n${target}`, text, liftedAt(state, target));
    const before = counts.get(apart);
    if (before === undefined) {
      counts.set(apart, now);
      this.#size += 1;
      if (this.#size > MOST_COUNTS) this.#forget();
      return 1;
    }
    let count = before;
    if (typeof count === 'number') {
      count = new SlidingCount(definition.window_ms);
      count.add(Number(before));
    }
    counts.delete(apart); // so that the map is in the order in which they were last counted
    counts.set(apart, count);
    return count.add(now);
  }

  #countedOf(key: string, text: string, since: number): Counted {
    const known = this.#counted.get(key);
    const isSame = known?.text === text && known.since === since;
    if (isSame && known === this.#last) return known; // most of the time
    if (known && !isSame) this.#size -= known.counts.size;
    const counted = isSame ? known : { text, since, counts: new Map<string, number | SlidingCount>() };
    this.#counted.delete(key);
    this.#counted.set(key, counted);
    this.#last = counted;
    return counted;
  }

  /** Forgets what was not counted for longest: a target, or of the only one the call that was. */
  #forget(): void {
    const [first] = this.#counted;
    if (!first) return;
    const [key, { counts }] = first;
    if (this.#counted.size > 1) {
      this.#counted.delete(key);
      this.#size -= counts.size;
      return;
    }
    const [oldest] = counts.keys();
    if (oldest === undefined) return;
    counts.delete(oldest);
    this.#size -= 1;
  }
}
