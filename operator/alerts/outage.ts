import { setTimeout as sleep } from 'node:timers/promises';
import { isWanted } from './alert.ts';
import { attempt } from './attempt.ts';
import { dataOf } from './conditions.ts';
import type { Delivery } from './delivery.ts';
import type { AlertPace } from './pace.ts';
import { messageOf } from '../../flags/index.ts';

export interface OutageOptions {
  readonly organizationId: string;
  readonly pace: AlertPace;
}

interface Telling {
  readonly why: string;
  readonly now: number;
  readonly signal: AbortSignal;
}

/** How long an outage has one id, in milliseconds: so two processes that see it tell of it under the same one. */
const SAME_MS = 3_600_000;

/**
 * A store that does not answer cannot keep that this was told. So the process that was sending tells of it from what it
 * has in memory; when the store answers again, a notice says so to everybody, for good.
 */
export class Outage {
  readonly #options: OutageOptions;
  /** When it began, by `performance.now()`; null: the store answers. */
  #since: number | null = null;
  #telling: AbortController | null = null;

  constructor(options: OutageOptions) {
    this.#options = options;
  }

  /** The store could not be used. @param now by the store's clock, as far as it is known */
  failed(error: unknown, deliveries: readonly Delivery[], now: number): void {
    const { pace } = this.#options;
    this.#since ??= performance.now();
    if (this.#telling || performance.now() - this.#since < pace.outageMs) return;
    this.#telling = new AbortController();
    for (const delivery of deliveries)
      void this.#tell(delivery, { why: messageOf(error), now, signal: this.#telling.signal });
  }

  /** The store can be used. What is to be said of the outage; null: nobody was told of one. */
  over(): string | null {
    const since = this.#since;
    const wasTold = this.#telling !== null;
    this.#since = null;
    this.#telling?.abort();
    this.#telling = null;
    if (since === null || !wasTold) return null;
    return `The store can be used again. It could not for ${Math.round((performance.now() - since) / 1000)} s.`;
  }

  async #tell({ target, secret }: Delivery, { why, now, signal }: Telling): Promise<void> {
    const { organizationId, pace } = this.#options;
    if (!secret || !isWanted({ type: 'store_fault' }, target.events)) return;
    const text = `The store cannot be used. What cannot confirm stops by itself at the end of its lease. ${why}`;
    const alert = {
      id: `out_${target.id}_${Math.floor(now / SAME_MS)}`,
      type: 'store_fault',
      at: new Date(now).toISOString(),
      data: dataOf({ text, next: 'kill-switch status' }, organizationId),
    } as const;
    for (let failures = 1; !signal.aborted; failures += 1) {
      if ((await attempt(alert, target, secret, { ...pace, signal })).delivered) return;
      await sleep(pace.waitAfter(failures), undefined, { signal }).catch(() => {}); // aborted: it is over
    }
  }
}
