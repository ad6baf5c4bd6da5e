import type { Head, SurfaceRecord } from '../flags/index.ts';
import type { ReportedBeat } from '../store/beats.ts';
import type { ControlConnection } from '../store/ports.ts';
import { readSeen, readSurfaces, type SeenLately } from '../store/reports.ts';
import { SharedQuestion } from '../store/shared-question.ts';

/** The executors' reports at one moment; `head` and `time` are the store's. */
export interface Heard {
  readonly beats: readonly ReportedBeat[];
  readonly head: Head | null;
  readonly time: string;
}

/**
 * Reads the executors' reports, once for all callers at the same time: each of a thousand waiting kills would otherwise
 * ask twenty times a second. Each call is answered by what is read after it: an answer that is under way may be older
 * than what the caller waits for.
 */
export class Hearing {
  readonly #beats: SharedQuestion<Heard>;
  readonly #seen: SharedQuestion<SeenLately>;
  readonly #surfaces: SharedQuestion<readonly SurfaceRecord[]>;

  constructor(connection: ControlConnection) {
    this.#beats = shared(async () => {
      const beats = await connection.executors();
      const { head, time } = await connection.read([]);
      return { beats, head, time };
    });
    this.#seen = shared(async () => readSeen(connection.shelf, Date.parse((await connection.read([])).time)));
    this.#surfaces = shared(async () => (await readSurfaces(connection.shelf)).flatMap(({ records }) => records ?? []));
  }

  /** Every executor that is there. */
  hear(): Promise<Heard> {
    return this.#beats.ask();
  }

  /** What executors have met in the last day, also those that are gone. */
  seen(): Promise<SeenLately> {
    return this.#seen.ask();
  }

  /** What can act. */
  surfaces(): Promise<readonly SurfaceRecord[]> {
    return this.#surfaces.ask();
  }
}

const shared = <T>(send: () => Promise<T>): SharedQuestion<T> =>
  new SharedQuestion({ send, oneByOne: true, gather: async () => {} });
