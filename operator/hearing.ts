import { entryKey, type Head } from '../flags/index.ts';
import type { ReportedBeat } from '../store/beats.ts';
import type { ControlConnection } from '../store/ports.ts';

/** What was heard of the executors at one moment; `head` and `time` are the store's. */
export interface Heard {
  readonly beats: readonly ReportedBeat[];
  readonly head: Head | null;
  readonly time: string;
}

/** Asks for the executors' reports, once for all that want to know at the same time: a thousand kills that wait would otherwise each ask twenty times a second. */
export class Hearing {
  readonly #connection: ControlConnection;
  #asking: Promise<Heard> | null = null;
  #next: Promise<Heard> | null = null;

  constructor(connection: ControlConnection) {
    this.#connection = connection;
  }

  /** What is heard by a question that is asked after this call: one that is under way may be older than what the caller waits for. */
  hear(): Promise<Heard> {
    this.#next ??= this.#afterThis();
    return this.#next;
  }

  async #afterThis(): Promise<Heard> {
    await this.#asking?.catch(() => {});
    this.#next = null;
    this.#asking = this.#ask();
    return this.#asking;
  }

  async #ask(): Promise<Heard> {
    const beats = await this.#connection.executors();
    const { head, time } = await this.#connection.read([entryKey('control')]);
    return { beats, head, time };
  }
}
