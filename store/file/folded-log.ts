import { foldEvent, type Head, type LogEvent, State } from '../../flags/index.ts';
import type { HeadSink } from './file-reader.ts';

/** The state that the log makes, and whether one awaited event has come to be in it. */
export class FoldedLog implements HeadSink {
  #state = new State();
  #awaited: string | null = null;
  #came = false;

  get state(): State {
    return this.#state;
  }

  get head(): Head | null {
    return this.#state.head;
  }

  begin(): void {
    this.#state = new State();
  }

  take(event: LogEvent): void {
    this.#state.apply(foldEvent(this.#state, event).patch, event);
    if (event.hash === this.#awaited) this.#came = true;
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
