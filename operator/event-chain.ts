import { follows, generationBegun, GENESIS, type Head, type LogEvent, State } from '../flags/index.ts';

interface EventChainOptions {
  /** True: the state is folded too, and an event of a newer version throws UNKNOWN_EVENT. */
  readonly folds: boolean;
  /** The numbers of the events whose hashes are asked for later. All others are forgotten, however many there are. */
  readonly remembers?: Iterable<number> | undefined;
  /** The state with which a log goes on whose first part was archived; null: it begins with its first event. */
  readonly base?: State | null | undefined;
}

/** The events of a log from where it begins, as they are read one after the other. It holds none of them. */
export class EventChain {
  readonly state: State;
  readonly #folds: boolean;
  readonly #remembered: Map<number, string>;
  #events = 0;
  #first = '';

  constructor({ folds, remembers = [], base = null }: EventChainOptions) {
    this.#folds = folds;
    this.state = base ?? new State();
    this.#remembered = new Map([...remembers].map((epoch) => [epoch, epoch === base?.epoch ? base.hash : '']));
  }

  /** How many events are in order. */
  get events(): number {
    return this.#events;
  }

  /** The hash of the first event, which no other log has; '' before it, and where that is archived. */
  get first(): string {
    return this.#first;
  }

  get head(): Head | null {
    return this.state.head;
  }

  /** Whether the chain has this very event, whose number was among those to remember. */
  has({ epoch, hash }: Pick<Head, 'epoch' | 'hash'>): boolean {
    return this.#remembered.get(epoch) === hash;
  }

  /**
   * Takes the next event. Returns what is wrong with its place, or null.
   * @throws KillSwitchError UNKNOWN_EVENT
   */
  take(event: LogEvent): string | null {
    const { state } = this;
    if (state.epoch === 0) {
      if (event.prev !== GENESIS || generationBegun(event.type) === null)
        return `The log does not begin with the start of a control plane, but with event ${event.seq} (${event.type}): its beginning was removed.`;
      this.#first = event.hash;
    } else if (!follows(event, state.hash, state.epoch)) {
      return `Event ${event.seq} does not follow event ${state.epoch}: something was removed, inserted or reordered there.`;
    }
    if (this.#folds) state.take(event);
    else if (generationBegun(event.type) === null) state.passOver(event);
    else state.takeOrPassOver(event);
    if (this.#remembered.has(event.seq)) this.#remembered.set(event.seq, event.hash);
    this.#events += 1;
    return null;
  }
}
