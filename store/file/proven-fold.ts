import { KillSwitchError, type LogEvent } from '../../flags/index.ts';
import type { SnapshotMark } from '../capabilities/snapshots.ts';
import type { LogFold } from './advance.ts';

/** How many events are read in search of a snapshot's proof. Without one its writer died, or lost the race for it. */
export const PROVEN_WITHIN = 20_000;

/** True for the event with which the log proves the snapshot of this mark. */
export const proves = ({ type, data }: LogEvent, { epoch, digest }: SnapshotMark): boolean =>
  type === 'snapshot' && data['epoch'] === epoch && data['digest'] === digest;

/**
 * Begins a fold with the state of a snapshot as soon as the log proves the snapshot, with a `snapshot` event that has
 * its mark. The events that come before the proof wait for it.
 */
export class ProvenFold implements LogFold {
  readonly #mark: SnapshotMark;
  readonly #begin: () => LogFold;
  #fold: LogFold | null = null;
  readonly #waiting: Array<readonly [LogEvent, number]> = [];

  constructor(mark: SnapshotMark, begin: () => LogFold) {
    this.#mark = mark;
    this.#begin = begin;
  }

  get isProven(): boolean {
    return this.#fold !== null;
  }

  /** @throws KillSwitchError CORRUPT when the proof does not come */
  take(event: LogEvent, bytes: number): void {
    if (this.#fold) return this.#fold.take(event, bytes);
    this.#waiting.push([event, bytes]);
    if (proves(event, this.#mark)) {
      this.#fold = this.#begin();
      for (const waiting of this.#waiting.splice(0)) this.#fold.take(...waiting);
    } else if (this.#waiting.length > PROVEN_WITHIN) {
      throw new KillSwitchError('CORRUPT', `The log does not prove the snapshot of event ${this.#mark.epoch}.`);
    }
  }
}
