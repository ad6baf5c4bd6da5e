import { entryKey, type Head } from '../flags/index.ts';
import type { ReportedBeat } from '../store/beats.ts';
import type { ControlConnection } from '../store/ports.ts';
import { SharedQuestion } from '../store/shared-question.ts';

/** What was heard of the executors at one moment; `head` and `time` are the store's. */
export interface Heard {
  readonly beats: readonly ReportedBeat[];
  readonly head: Head | null;
  readonly time: string;
}

/**
 * Asks for the executors' reports, once for all that want to know at the same time: a thousand kills that wait would
 * otherwise each ask twenty times a second.
 */
export class Hearing {
  readonly #question: SharedQuestion<Heard>;

  constructor(connection: ControlConnection) {
    this.#question = new SharedQuestion({
      async send() {
        const beats = await connection.executors();
        const { head, time } = await connection.read([entryKey('control')]);
        return { beats, head, time };
      },
      oneByOne: true,
      gather: async () => {},
    });
  }

  /**
   * What is heard by a question that is asked after this call: one that is under way may be older than what the caller
   * waits for.
   */
  hear(): Promise<Heard> {
    return this.#question.ask();
  }
}
