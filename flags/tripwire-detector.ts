import type { Subject } from './context.ts';
import { SlidingCount } from './sliding-count.ts';
import type { State } from './state.ts';
import { liftedAt } from './stops.ts';
import { DEFAULT_TRIPWIRES, parseTripsOn, type Tripwire, type TripsOn } from './tripwire-records.ts';

/** Something that happened, as tripwires see it. */
export type Occurrence =
  /** A call that is about to be made; `input`: the hash of its arguments. */
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
function countedFor({ scope }: Tripwire, subject: Subject): readonly string[] {
  const [own, parents] =
    scope === 'run' ? [subject.runId, subject.lineageRuns] : [subject.agentId, subject.lineageAgents];
  return [...new Set([...(own === undefined ? [] : [own]), ...(parents ?? [])])];
}

/**
 * Counts what the calls of this process do, and says which tripwires trip. Equal calls are counted wherever they stand,
 * so a sequence that repeats itself (A, B, A, B) trips with the first call of the round that is too many. Counts are of
 * this process; what was lifted is counted anew.
 */
export class TripwireDetector {
  readonly #counts = new Map<string, SlidingCount>();

  /**
   * Takes what has happened, at `now`, the store's time in milliseconds. With a limit of N, N pass and the next trips,
   * and so does each one after it; a report trips above its limit, and where it is no number.
   */
  take(state: State, occurrence: Occurrence, now: number): readonly Trip[] {
    const trips: Trip[] = [];
    for (const [name, definition] of tripwiresOf(state)) {
      const apart = countedApart(parseTripsOn(definition.on), occurrence);
      if (apart === null) continue;
      for (const id of countedFor(definition, occurrence.subject)) {
        const target = `${definition.scope}:${id}`;
        const value =
          occurrence.is === 'report'
            ? occurrence.value
            : this.#count([name, target, liftedAt(state, target), definition, apart], definition.window_ms, now);
        if (!(value <= definition.limit))
          trips.push({ tripwire: name, definition, target, value, limit: definition.limit });
      }
    }
    return trips;
  }

  #count(of: readonly unknown[], windowMs: number, now: number): number {
    const key = JSON.stringify(of);
    const count = this.#counts.get(key) ?? new SlidingCount(windowMs);
    this.#counts.delete(key); // so that the map is in the order in which they were last counted
    this.#counts.set(key, count);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > MOST_COUNTS && oldest !== undefined) this.#counts.delete(oldest);
    return count.add(now);
  }
}
