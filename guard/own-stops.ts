import { isRecorded, isStricter, killAdds, type Stop, stopTerms } from '../flags/index.ts';
import type { Stops } from '../store/capabilities/stops.ts';
import type { Replica } from '../store/replica.ts';
import type { Outbox } from './outbox.ts';

/** How long until a stop that was never in a list is sent again, in milliseconds: a list may be too long to be read. */
const SEND_AGAIN_MS = 10_000;

export interface OwnStopsParts {
  readonly replica: Pick<Replica, 'state' | 'holdStop' | 'onRenewed'>;
  /** Null where the store's driver keeps none: then they hold in this process alone. */
  readonly stops: Stops | null;
  readonly outbox: Outbox;
}

/** A stop that the store has taken. */
interface Kept {
  readonly stop: Stop;
  /** By the monotonic clock. */
  sentAt: number;
  /** True once a list has had it, until it is sent again. */
  wasListed: boolean;
}

/**
 * What this executor stops by itself: here in the same turn, everywhere once the store has it. What a store has taken
 * and lost again, as in a failover, is sent once more: until the log has it, this executor answers for it.
 */
export class OwnStops {
  readonly #replica: OwnStopsParts['replica'];
  readonly #stops: Stops | null;
  readonly #outbox: Outbox;
  readonly #kept = new Map<string, Kept>();

  constructor({ replica, stops, outbox }: OwnStopsParts) {
    this.#replica = replica;
    this.#stops = stops;
    this.#outbox = outbox;
    replica.onRenewed((listed) => this.#review(listed));
  }

  /**
   * Puts a stop into force, unless its target is stopped as strictly already. Resolves when the store has it, or it is
   * kept to be sent again. Never rejects.
   */
  async add(stop: Stop): Promise<void> {
    if (this.#addsNothing(stop)) return;
    this.#replica.holdStop(stop);
    await this.#outbox.send(async () => {
      await this.#stops?.add(stop);
      if (this.#stops) this.#kept.set(stop.id, { stop, sentAt: performance.now(), wasListed: false });
    });
  }

  #review(listed: readonly Stop[]): void {
    if (this.#kept.size === 0) return;
    const ids = new Set(listed.map(({ id }) => id));
    for (const [id, kept] of this.#kept) {
      if (!this.#holdsUnrecorded(kept.stop)) this.#kept.delete(id);
      else if (ids.has(id)) kept.wasListed = true;
      else if (kept.wasListed || performance.now() - kept.sentAt > SEND_AGAIN_MS) {
        Object.assign(kept, { sentAt: performance.now(), wasListed: false });
        void this.#outbox.send(async () => this.#stops?.add(kept.stop));
      }
    }
  }

  #holdsUnrecorded(stop: Stop): boolean {
    const { state } = this.#replica;
    const terms = state && stopTerms(state, stop);
    return terms ? !isRecorded(state, stop.target, terms) : false;
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
