import { type Head, isKillSwitchError, type LogEvent, State } from '../../flags/index.ts';
import { archivedHead, isRecoveredSince } from '../archived-away.ts';
import type { Answer, Snapshot } from '../confirmation.ts';
import type { LogFold } from './advance.ts';
import type { FileReader } from './file-reader.ts';
import type { ChainEnd } from './log-chain.ts';
import { localFreeBytes } from './network-filesystem.ts';
import { RecentEvents } from './recent-events.ts';
import type { Slot } from './serial.ts';
import type { Base } from './snapshot-file.ts';

/** The whole state while it is read, and whether reading has met the head that the caller holds. */
class Loading {
  readonly held: Head | null;
  readonly state: State;
  /** Where reading began. */
  readonly before: ChainEnd;
  #met: boolean;

  constructor(held: Head | null, base: Base | null) {
    this.held = held;
    this.state = base?.state ?? new State();
    this.before = { hash: this.state.hash, epoch: this.state.epoch };
    this.#met = held !== null && this.state.hash === held.hash;
  }

  /** Whether that head is in the log; null when only the log before the place where reading began can tell. */
  get linked(): boolean | null {
    if (this.held === null || this.#met) return true;
    return this.held.epoch < this.before.epoch ? null : false;
  }

  take(event: LogEvent): void {
    this.state.take(event);
    if (event.hash === this.held?.hash) this.#met = true;
  }
}

/** What an executor makes of the log: its last events, and the whole state while that is being loaded. */
export class ExecutorLog implements LogFold {
  readonly recent: RecentEvents;
  #loading: Loading | null;

  constructor(base: Base | null, loading: Loading | null = null) {
    this.recent = new RecentEvents(base);
    this.#loading = loading;
  }

  get head(): Head | null {
    return this.recent.head;
  }

  take(event: LogEvent, bytes: number): void {
    this.recent.take(event, bytes);
    this.#loading?.take(event);
  }

  /** The load that was begun for a caller that holds this head; null where there is none. */
  loadingFor(held: Head | null): Loading | null {
    return this.#loading && this.#loading.held?.hash === held?.hash ? this.#loading : null;
  }

  /** Lets go of the state: the caller has taken it, or the load has failed. */
  endLoading(): void {
    this.#loading = null;
  }
}

/**
 * Whether the head is in the log before the place where reading began.
 * @throws KillSwitchError ARCHIVED
 */
async function isLinked(held: Head, { before, state }: Loading, reader: FileReader<ExecutorLog>): Promise<boolean> {
  try {
    return await reader.leadsTo(held, before);
  } catch (error) {
    if (!isKillSwitchError(error) || error.code !== 'ARCHIVED') throw error;
    if (isRecoveredSince(held, state.head)) return false;
    throw archivedHead(error);
  }
}

/**
 * Loads the whole state. What was read for a caller that has given up is kept for the next load, so that a log which
 * takes longer than a deadline is loaded all the same. Only inside a request.
 */
export async function loadState(
  reader: FileReader<ExecutorLog>,
  held: Head | null,
  slot: Slot,
): Promise<Omit<Snapshot, keyof Answer>> {
  await localFreeBytes(reader.paths.control);
  const everything = reader.log.loadingFor(held) === null;
  const begin = (base: Base | null): ExecutorLog => new ExecutorLog(base, new Loading(held, base));
  try {
    await reader.advance({ everything, begin });
    const loading = reader.log.loadingFor(held);
    if (!loading) throw new Error('nothing is being loaded');
    const linked = loading.linked ?? (held !== null && (await isLinked(held, loading, reader)));
    if (!slot.abandoned) reader.log.endLoading();
    return { head: loading.state.head, entries: loading.state, linked };
  } catch (error) {
    reader.log.endLoading();
    throw error;
  }
}
