import { type Head, type LogEvent, State } from '../../flags/index.ts';
import type { HeadSink } from './file-reader.ts';
import type { ChainEnd } from './log-chain.ts';
import type { Base } from './snapshot-file.ts';

/** So many of the last events are remembered by their hash: a writer whose answer was lost looks for its own among what came after. */
const REMEMBERED = 4096;

/** The state that the log makes, and whether one awaited event has come to be in it. */
export class FoldedLog implements HeadSink {
  #state = new State();
  #awaited: string | null = null;
  #came = false;
  #base: Base | null = null;
  readonly #recent = new Map<number, string>();
  #snapshotEpoch = 0;

  get state(): State {
    return this.#state;
  }

  get head(): Head | null {
    return this.#state.head;
  }

  get end(): ChainEnd {
    const { hash, epoch } = this.#state;
    return { hash, epoch };
  }

  /** The event of that number, when it is one of the last that were read; null else. */
  recent(epoch: number): ChainEnd | null {
    const hash = this.#recent.get(epoch);
    return hash === undefined ? null : { epoch, hash };
  }

  /** The snapshot that reading began with. */
  get base(): Base | null {
    return this.#base;
  }

  /** The epoch of the last snapshot that an event speaks of. */
  get snapshotEpoch(): number {
    return this.#snapshotEpoch;
  }

  begin(base: Base | null): void {
    this.#base = base;
    this.#state = base?.state ?? new State();
    this.#snapshotEpoch = 0;
    this.#recent.clear();
    if (base?.state) this.#remember(this.end);
  }

  take(event: LogEvent): void {
    this.#state.take(event);
    this.#remember({ epoch: event.seq, hash: event.hash });
    if (event.hash === this.#awaited) this.#came = true;
    if (event.type === 'snapshot') this.#snapshotEpoch = event.data['epoch'] as number;
  }

  /** A map keeps its keys in the order in which they came, so the first is the oldest. */
  #remember({ epoch, hash }: ChainEnd): void {
    this.#recent.set(epoch, hash);
    if (this.#recent.size > REMEMBERED) this.#recent.delete(this.#recent.keys().next().value as number);
  }

  /** Looks out for an event from now on. */
  await(hash: string): void {
    this.#awaited = hash;
    this.#came = false;
  }

  /** Whether it has come; ends the looking out. */
  came(): boolean {
    this.#awaited = null;
    return this.#came;
  }
}
