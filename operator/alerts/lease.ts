import { randomUUID } from 'node:crypto';
import type { AlertKeeper } from '../../store/capabilities/alerts.ts';
import { Kept, NAMES, senderSchema } from './records.ts';

/** How long a process that sends may be silent before another one takes over, in milliseconds. */
export const LEASE_MS = 5000;

type Sender = { readonly holder: string; readonly beat: number; readonly at: string };

/**
 * Which of several operating processes sends: one at a time. It says so again and again; another one takes over when
 * it has seen nothing new for `LEASE_MS` of its own monotonic time, so no two clocks are compared. Where one is
 * suspended for longer, both may send the same alert for a moment: it has the same id.
 */
export class SenderLease {
  readonly #kept: Kept<Sender>;
  readonly #me = randomUUID();
  readonly #leaseMs: number;
  #beat = 0;
  #isMine = false;
  /** When it was last said, or last seen to be said by another, by `performance.now()`. */
  #at = Number.NEGATIVE_INFINITY;
  #seen: string | null = null;

  constructor(keeper: AlertKeeper, leaseMs: number) {
    this.#kept = new Kept(keeper, NAMES.sender, senderSchema);
    this.#leaseMs = leaseMs;
  }

  /** Whether this process sends: it has said so lately enough that no other has taken over. */
  get isHeld(): boolean {
    return this.#isMine && performance.now() - this.#at < this.#leaseMs * 0.8;
  }

  /**
   * Says so again, or takes over where nobody says so. Resolves to whether this process sends.
   * @param time the store's
   */
  async hold(time: string): Promise<boolean> {
    const now = performance.now();
    if (this.#isMine) this.#isMine = await this.#say(now, time);
    if (this.#isMine) return true;
    const found = await this.#kept.read();
    const seen = JSON.stringify(found);
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.#at = now;
    }
    if (found !== null && now - this.#at < this.#leaseMs) return false;
    this.#isMine = await this.#say(now, time);
    return this.#isMine;
  }

  /** Lets another process begin at once. */
  async release(): Promise<void> {
    if (!this.#isMine) return;
    this.#isMine = false;
    await this.#kept.write(null);
  }

  /** @param now before it is asked: what takes long counts from then */
  async #say(now: number, at: string): Promise<boolean> {
    this.#beat += 1;
    if (!(await this.#kept.write({ holder: this.#me, beat: this.#beat, at }))) return false;
    this.#at = now;
    return true;
  }
}
