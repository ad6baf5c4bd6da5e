import type { StartRow } from '../flags/index.ts';
import { MOST_STARTS } from '../store/own-beat.ts';
import type { GuardedSubject } from './subject.ts';

/** How many agents with their actions are remembered: beyond that all are forgotten, and counted anew. */
const MOST_REMEMBERED = 5000;

interface Started {
  readonly subject: GuardedSubject;
  count: number;
  /** Wall time in milliseconds. */
  last: number;
}

/**
 * How often each agent has started each action in this process, and when it last did: by this an operator sees that
 * work is done, and that none is begun any more. What undoes something is not counted, since that runs under a stop.
 */
export class StartsHere {
  /** Agent, then action. Two maps, because a text made of both would cost each call more. */
  readonly #started = new Map<string | undefined, Map<string | undefined, Started>>();
  #remembered = 0;

  /** @param now wall time in milliseconds */
  note(subject: GuardedSubject, now: number): void {
    const { agentId, action } = subject;
    if (subject.reversing) return;
    const known = this.#started.get(agentId)?.get(action);
    if (known) {
      known.count += 1;
      known.last = now;
      return;
    }
    if (this.#remembered === MOST_REMEMBERED) {
      this.#started.clear();
      this.#remembered = 0;
    }
    this.#remembered += 1;
    const actions = this.#started.get(agentId) ?? new Map<string | undefined, Started>();
    this.#started.set(agentId, actions.set(action, { subject, count: 1, last: now }));
  }

  /** What was started last, first; as many as a beat has. */
  get rows(): readonly StartRow[] {
    const all = [...this.#started.values()].flatMap((actions) => [...actions.values()]);
    return all
      .sort((a, b) => b.last - a.last)
      .slice(0, MOST_STARTS)
      .map(({ subject: { agentId, action, surface, feature }, count, last }) => ({
        ...{ agent_id: agentId ?? null, action: action ?? null, surface: surface ?? null, feature: feature ?? null },
        ...{ count, last_at: new Date(last).toISOString() },
      }));
  }
}
