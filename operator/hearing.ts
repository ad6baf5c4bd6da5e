import type { Head } from '../flags/index.ts';
import type { ReportedBeat } from '../store/beats.ts';
import type { ControlConnection } from '../store/ports.ts';
import { SharedQuestion } from '../store/shared-question.ts';

/** The executors' reports at one moment; `head` and `time` are the store's. */
export interface Heard {
  readonly beats: readonly ReportedBeat[];
  readonly head: Head | null;
  readonly time: string;
}

/**
 * Reads the executors' reports, once for all callers at the same time: each of a thousand waiting kills would otherwise
 * ask twenty times a second.
 */
export class Hearing {
  readonly #question: SharedQuestion<Heard>;

  constructor(connection: ControlConnection) {
    this.#question = new SharedQuestion({
      async send() {
        const beats = await connection.executors();
        const { head, time } = await connection.read([]);
        return { beats, head, time };
      },
      oneByOne: true,
      gather: async () => {},
    });
  }

  /**
   * Reads the reports after this call. The answer to a question that is under way may be older than what the caller
   * waits for.
   */
  hear(): Promise<Heard> {
    return this.#question.ask();
  }
}
