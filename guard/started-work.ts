import { randomUUID } from 'node:crypto';
import type { Decision } from '../flags/index.ts';
import type { CallOptions, ExecuteContext } from './action.ts';
import { onAbort } from './on-abort.ts';
import type { Abort } from './in-flight.ts';

/**
 * Code of the application that the guard has called: whether it was stopped, and by which decision. Its signal and key
 * are made when they are first read: most actions never read them.
 */
export class StartedWork {
  /** The caller's own signal. */
  readonly #outer: AbortSignal | undefined;
  #controller: AbortController | undefined;
  #stoppedBy: Decision | undefined;
  #signalledAt: number | undefined;
  #key: string | undefined;
  #unsubscribe: (() => void) | undefined;
  /** Called when the caller's own signal fires, before this one's does. */
  readonly #beforeOuter: (() => void) | undefined;
  #isOver = false;
  /**
   * Work that returned the same thing before this one did: when it is stopped so is this one, also when this one's own
   * work is over.
   */
  #leaders: Set<StartedWork> | undefined;
  /** The followers whose signal was read; the others need not be kept. */
  #followers: Set<StartedWork> | undefined;

  constructor({ signal, idempotencyKey }: CallOptions, beforeOuter?: () => void) {
    this.#beforeOuter = beforeOuter;
    this.#outer = signal;
    this.#key = idempotencyKey;
  }

  /** What `execute` gets of it: no member by which it could evade a stop. */
  given(): ExecuteContext {
    return new GivenContext(this);
  }

  /** The decision that has stopped it. */
  get stoppedBy(): Decision | undefined {
    return this.#stoppedBy;
  }

  /** When its signal fired, as wall time in milliseconds; null: it has not. */
  get signalledAt(): number | null {
    return this.#signalledAt ?? null;
  }

  /** True once the code has read its signal: before that it cannot heed it. */
  get hasReadSignal(): boolean {
    return this.#controller !== undefined;
  }

  get idempotencyKey(): string {
    this.#key ??= randomUUID();
    return this.#key;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      for (const leader of this.#leaders ?? []) leader.#lead(this);
      if (this.#stoppedBy) this.#controller.abort(this.#stoppedBy);
      else if (this.#outer) this.#subscribeOuter(this.#controller, this.#outer);
    }
    return this.#controller.signal;
  }

  #subscribeOuter(controller: AbortController, outer: AbortSignal): void {
    if (!outer.aborted && this.#isOver && !this.#leaders?.size) return;
    this.#unsubscribe?.();
    this.#unsubscribe = onAbort(outer, () => {
      this.#beforeOuter?.();
      this.#signalledAt ??= Date.now();
      controller.abort(outer.reason);
    });
  }

  /** Null when it was stopped before; else the function that fires its signal and those of its followers. */
  stop(decision: Decision): Abort | null {
    if (this.#stoppedBy) return null;
    this.#stoppedBy = decision;
    const followers = [...(this.#followers ?? [])]; // release() may come before the signal fires
    return () => {
      this.#signalledAt = Date.now();
      this.#controller?.abort(decision);
      for (const follower of followers) follower.stop(decision)?.();
    };
  }

  /** From now on it stops when the leader does, until the leader is over. */
  follow(leader: StartedWork): void {
    if (leader === this || leader.#isOver) return;
    this.#leaders ??= new Set();
    this.#leaders.add(leader);
    if (this.#controller) leader.#lead(this);
  }

  #lead(follower: StartedWork): void {
    if (this.#stoppedBy) follower.stop(this.#stoppedBy)?.();
    if (this.#isOver) return follower.#leave(this);
    this.#followers ??= new Set();
    this.#followers.add(follower);
  }

  #leave(leader: StartedWork): void {
    this.#leaders?.delete(leader);
    if (this.#isOver) this.#unsubscribeOuter();
  }

  /** Follows the caller's signal again. */
  resume(): void {
    this.#isOver = false;
    if (this.#controller && this.#outer) this.#subscribeOuter(this.#controller, this.#outer);
  }

  release(): void {
    this.#isOver = true;
    for (const follower of this.#followers ?? []) follower.#leave(this);
    this.#followers = undefined;
    this.#unsubscribeOuter();
  }

  #unsubscribeOuter(): void {
    if (!this.#leaders?.size) this.#unsubscribe?.();
  }
}

class GivenContext implements ExecuteContext {
  readonly #started: StartedWork;

  constructor(started: StartedWork) {
    this.#started = started;
  }

  get signal(): AbortSignal {
    return this.#started.signal;
  }

  get idempotencyKey(): string {
    return this.#started.idempotencyKey;
  }
}
