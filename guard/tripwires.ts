import { randomUUID } from 'node:crypto';
import { type Intervention, type Occurrence, TripwireDetector, tripwireStop, type TripsOn } from '../flags/index.ts';
import type { Replica } from '../store/replica.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { OwnStops } from './own-stops.ts';
import type { GuardedSubject } from './subject.ts';

export interface TripwiresParts {
  readonly replica: Pick<Replica, 'state' | 'storeNow'>;
  readonly ownStops: OwnStops;
}

/**
 * Tells the tripwires what the calls of this executor do, and puts into force what they stop. Most calls are looked at
 * by none, and cost next to nothing.
 */
export class Tripwires {
  readonly #replica: TripwiresParts['replica'];
  readonly #ownStops: OwnStops;
  readonly #detector = new TripwireDetector();

  constructor({ replica, ownStops }: TripwiresParts) {
    this.#replica = replica;
    this.#ownStops = ownStops;
  }

  /**
   * A call is about to be made. Null: it trips nothing; else it resolves when what it has tripped is kept.
   */
  called(subject: GuardedSubject, input: unknown): Promise<unknown> | null {
    const { action } = subject;
    if (action === undefined || !this.#counts('repeats', subject)) return null;
    const fingerprint = fingerprintOf(input);
    return fingerprint === null ? null : this.#take({ is: 'call', subject, action, input: fingerprint });
  }

  /** An action has thrown. */
  failed(subject: GuardedSubject): void {
    if (this.#counts('failures', subject)) void this.#take({ is: 'failure', subject });
  }

  /** A call was not simply let through; `kind`: that of its record. */
  intervened(subject: GuardedSubject, kind: Intervention['type'], isRefusal: boolean): void {
    if (this.#counts('interventions', subject) || (isRefusal && this.#counts('refusals', subject)))
      void this.#take({ is: 'intervention', subject, kind, isRefusal });
  }

  /** The application has reported a number. */
  reported(subject: GuardedSubject, name: string, value: number): void {
    if (this.#counts('report', subject)) void this.#take({ is: 'report', subject, name, value });
  }

  #counts(what: TripsOn['what'], subject: GuardedSubject): boolean {
    const { state } = this.#replica;
    return state !== null && this.#detector.counts(state, what, subject);
  }

  #take(occurrence: Occurrence): Promise<unknown> | null {
    const { state } = this.#replica;
    const now = this.#replica.storeNow();
    if (!state || now === null) return null;
    const trips = this.#detector.take(state, occurrence, now);
    if (trips.length === 0) return null;
    const { epoch } = state;
    return Promise.all(trips.map((trip) => this.#ownStops.add(tripwireStop(trip, { id: randomUUID(), epoch, now }))));
  }
}
