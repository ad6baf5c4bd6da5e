import { randomUUID } from 'node:crypto';
import type { Decision } from '../flags/index.ts';
import type { CallOptions, ExecuteContext } from './action.ts';
import { onAbort } from './on-abort.ts';
import type { Abort } from './in-flight.ts';

/**
 * What the guard holds of user code that it has called: whether, and by which decision, that was told to stop. Signal
 * and key are made only when somebody looks at them: most actions never do.
 */
export class StartedWork {
  readonly #outer: AbortSignal | undefined;
  #controller: AbortController | undefined;
  #stoppedBy: Decision | undefined;
  #key: string | undefined;
  #unsubscribe: (() => void) | undefined;
  /** Called before its signal fires because the caller's own does. */
  readonly #beforeOuter: (() => void) | undefined;
  #isOver = false;
  /** Those that gave before what this one gave: it is told with them, also when its own work is over. */
  #leaders: Set<StartedWork> | undefined;
  /** Of those that this one leads, whoever's signal was read: of the others nothing is kept. */
  #followers: Set<StartedWork> | undefined;

  constructor({ signal, idempotencyKey }: CallOptions, beforeOuter?: () => void) {
    this.#beforeOuter = beforeOuter;
    this.#outer = signal;
    this.#key = idempotencyKey;
  }

  /** What user code is given of it: nothing by which it could hide from a stop. */
  given(): ExecuteContext {
    return new GivenContext(this);
  }

  /** The decision that it was told to stop by. */
  get stoppedBy(): Decision | undefined {
    return this.#stoppedBy;
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
      controller.abort(outer.reason);
    });
  }

  /** Null when it had been told before; else what fires its signal, and those of its followers. */
  stop(decision: Decision): Abort | null {
    if (this.#stoppedBy) return null;
    this.#stoppedBy = decision;
    const followers = [...(this.#followers ?? [])]; // it may be over before it fires
    return () => {
      this.#controller?.abort(decision);
      for (const follower of followers) follower.stop(decision)?.();
    };
  }

  /** From now on it is told when the other is, until that is over. */
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

  /** The outer signal counts again. */
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
