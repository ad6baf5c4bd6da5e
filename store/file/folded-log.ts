import { type Entry, type Head, type KillSwitchError, type LogEvent, State, unreadKill } from '../../flags/index.ts';
import type { LogFold } from './advance.ts';
import type { ChainEnd } from './log-chain.ts';
import type { Base } from './snapshot-file.ts';

/**
 * How many of the last events are remembered by their hash: a writer looks for its own events behind those of others.
 */
const REMEMBERED = 4096;

/** The state that a log makes, from where reading it began. */
export class FoldedLog implements LogFold {
  /** The snapshot that reading began with. */
  readonly base: Base | null;
  readonly state: State;
  readonly #recent = new Map<number, string>();
  #snapshotEpoch = 0;
  #unknown: KillSwitchError | null = null;
  /** The data of the last kill of each target that could not be read. */
  readonly #unread = new Map<string, LogEvent['data']>();

  constructor(base: Base | null) {
    this.base = base;
    this.state = base?.state ?? new State();
    if (base) this.#remember(this.end);
  }

  get head(): Head | null {
    return this.state.head;
  }

  get end(): ChainEnd {
    const { hash, epoch } = this.state;
    return { hash, epoch };
  }

  /** The event of this number, if it is one of the last that were read; else null. */
  recent(epoch: number): ChainEnd | null {
    const hash = this.#recent.get(epoch);
    return hash === undefined ? null : { epoch, hash };
  }

  /** @throws KillSwitchError UNKNOWN_EVENT where a newer version has written something that is missing in this state */
  checkKnown(): void {
    if (this.#unknown) throw this.#unknown;
  }

  /** The epoch in the last `snapshot` event; 0 where there was none. */
  get snapshotEpoch(): number {
    return this.#snapshotEpoch;
  }

  take(event: LogEvent): void {
    // Reading goes on, and the log with it, so that a kill can still be appended.
    const unknown = this.state.takeOrPassOver(event);
    if (unknown) this.#passedOver(event, unknown);
    const { epoch } = event.data;
    if (!unknown && event.type === 'snapshot' && typeof epoch === 'number') this.#snapshotEpoch = epoch;
    this.#remember({ epoch: event.seq, hash: event.hash });
  }

  #passedOver({ type, data }: LogEvent, unknown: KillSwitchError): void {
    this.#unknown ??= unknown;
    const target = data['target'];
    if (type === 'kill' && typeof target === 'string') this.#unread.set(target, data);
  }

  /**
   * A kill that is read only to kill that target again. Where an event could not be read, it may have changed any kill:
   * then something is set aside, so that the next kill is recorded whole, not as a seconding of one that may be over.
   */
  killToAddTo(target: string): Entry<'kill'> | undefined {
    const known = this.state.get('kill', target);
    const unread = this.#unread.get(target);
    if (unread) return { ...unreadKill(target, unread), ...(known && { id: known.id, killed_at: known.killed_at }) };
    return known && this.#unknown ? { ...known, set_aside: null } : known;
  }

  /** A map keeps its keys in the order in which they came, so the first is the oldest. */
  #remember({ epoch, hash }: ChainEnd): void {
    this.#recent.set(epoch, hash);
    const { value: oldest } = this.#recent.keys().next();
    if (oldest !== undefined && this.#recent.size > REMEMBERED) this.#recent.delete(oldest);
  }
}
