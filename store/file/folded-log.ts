import { foldEvent, type Head, type LogEvent, State } from '../../flags/index.ts';
import type { HeadSink } from './file-reader.ts';
import type { ChainEnd } from './log-chain.ts';
import type { Base } from './snapshot-file.ts';

/** The state that the log makes, and whether one awaited event has come to be in it. */
export class FoldedLog implements HeadSink {
  #state = new State();
  #awaited: string | null = null;
  #came = false;
  #base: Base | null = null;
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
  }

  take(event: LogEvent): void {
    this.#state.apply(foldEvent(this.#state, event).patch, event);
    if (event.hash === this.#awaited) this.#came = true;
    if (event.type === 'snapshot') this.#snapshotEpoch = event.data['epoch'] as number;
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
