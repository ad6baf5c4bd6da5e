import {
  type EventType,
  type LogEvent,
  type Mode,
  resolveMode,
  State,
  strictness,
  nextChange,
} from '../../flags/index.ts';
import { answerNow } from '../../store/answers.ts';
import type { LoadTicket } from '../../store/live-copy.ts';
import type { Confirmation, Snapshot } from '../../store/confirmation.ts';

const fold = (events: readonly LogEvent[]): State => {
  const state = new State();
  for (const event of events) state.take(event);
  return state;
};

/**
 * A log that answers as a store does, and can be cut and continued from an earlier event. It remembers every event that
 * it ever had.
 */
export class TestLog {
  #events: LogEvent[] = [];
  #state = new State();
  readonly #ever = new Map<string, LogEvent>();

  get state(): State {
    return this.#state;
  }

  get hash(): string {
    return this.#state.hash;
  }

  append(type: EventType, data: Record<string, unknown>, beyond = 0): LogEvent {
    const at = '2026-01-01T00:00:00.000Z';
    const reason = `because ${this.#ever.size}`;
    const { event } = nextChange(this.#state, { type, data, at, actor: 'unverified:test', reason, beyond });
    this.#state.take(event);
    this.#events = [...this.#events, event];
    this.#ever.set(event.hash, event);
    return event;
  }

  cut(length: number): void {
    this.#events = this.#events.slice(0, length);
    this.#state = fold(this.#events);
  }

  event(hash: string): LogEvent {
    return this.#ever.get(hash) as LogEvent;
  }

  hashes(): string[] {
    return this.#events.map(({ hash }) => hash);
  }

  chain(hash: string): string[] {
    const chain: string[] = [];
    for (let event = this.#ever.get(hash); event; event = this.#ever.get(event.prev)) chain.unshift(event.hash);
    return chain;
  }

  isRecover(hash: string): boolean {
    return this.#ever.get(hash)?.type === 'recover';
  }

  modeOf(state: State | null): Mode {
    return state ? resolveMode(state, {}, () => 0).mode : 'full_stop';
  }

  level(): number {
    return strictness(this.modeOf(this.#state));
  }

  /** `wall`: what the store's clock shows, in milliseconds since 1970. */
  confirmation(ticket: LoadTicket, wall = 0): Confirmation {
    return this.asOfNow(wall)(ticket);
  }

  /** The answers that the store gives now; a hop may hand them out `ageMs` later. */
  asOfNow(wall: number): (ticket: LoadTicket, ageMs?: number) => Confirmation {
    const events = this.#events;
    const { head } = this.#state;
    return ({ held, nonce }, ageMs = 0) => {
      const answer = { ...answerNow(nonce, wall), ageMs, head, forkReported: false, stops: [] };
      if (!held || !head) return { ...answer, events: held ? null : 'reload' };
      const at = events.findIndex(({ hash }) => hash === held.hash);
      return { ...answer, events: at < 0 ? null : events.slice(at + 1) };
    };
  }

  snapshot({ held, nonce }: LoadTicket): Snapshot {
    return {
      ...answerNow(nonce, 0),
      head: this.#state.head,
      entries: [...this.#state.entries()],
      linked: held === null || this.#events.some(({ hash }) => hash === held.hash),
    };
  }
}
