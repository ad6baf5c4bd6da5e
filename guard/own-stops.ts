import { isStricter, killAdds, type Stop, stopTerms } from '../flags/index.ts';
import type { Stops } from '../store/capabilities/stops.ts';
import type { Replica } from '../store/replica.ts';
import type { Outbox } from './outbox.ts';

export interface OwnStopsParts {
  readonly replica: Pick<Replica, 'state' | 'holdStop'>;
  /** Null where the store's driver keeps none: then they hold in this process alone. */
  readonly stops: Stops | null;
  readonly outbox: Outbox;
}

/** What this executor stops by itself: here in the same turn, everywhere once the store has it. */
export class OwnStops {
  readonly #replica: OwnStopsParts['replica'];
  readonly #stops: Stops | null;
  readonly #outbox: Outbox;

  constructor({ replica, stops, outbox }: OwnStopsParts) {
    this.#replica = replica;
    this.#stops = stops;
    this.#outbox = outbox;
  }

  /**
   * Puts a stop into force, unless its target is stopped as strictly already. Resolves when the store has it, or it is
   * kept to be sent again. Never rejects.
   */
  async add(stop: Stop): Promise<void> {
    if (this.#addsNothing(stop)) return;
    this.#replica.holdStop(stop);
    await this.#outbox.send(async () => this.#stops?.add(stop));
  }

  #addsNothing(stop: Stop): boolean {
    const { state } = this.#replica;
    const terms = state && stopTerms(state, stop);
    if (!terms) return true; // it would stop nothing
    const held = state.stops.held(state).get(stop.target);
    if (held && !isStricter(terms.mode, held.mode)) return true;
    // A kill that ends by itself does not stand for one that only a person lifts.
    return !killAdds(state.get('kill', stop.target), { mode: terms.mode, expires_at: null });
  }
}
