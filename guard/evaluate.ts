import { type EvaluationContext, type EvaluationDetails } from '@openfeature/core';
import {
  contextFromSubject,
  deepFreeze,
  type Fault,
  faultReading,
  type FlagDetails,
  messageOf,
  MODE_FLAG,
  type Reading,
  readingFromDetails,
  SAFE_MODE,
  type Subject,
} from '../flags/index.ts';

/** What is asked of an OpenFeature client. */
export interface ModeClient {
  getStringDetails(
    flagKey: string,
    defaultValue: string,
    context?: EvaluationContext,
  ): Promise<EvaluationDetails<string>>;
}

/** Where the mode is asked for. */
export interface ModeSource {
  readonly client: ModeClient;
  readonly deadlines: Deadlines;
  /** Why nothing that the client answers says anything of this switch now, or null; asked when an answer is there. */
  readonly sourceFault: () => Fault | null;
}

/** How long one evaluation may take, in milliseconds. */
const EVALUATION_TIMEOUT_MS = 1000;

const LATE = deepFreeze(
  faultReading('DEADLINE_EXCEEDED', `the evaluation of ${MODE_FLAG} took longer than ${EVALUATION_TIMEOUT_MS} ms`),
);

/** An evaluation under way. */
export interface Asking {
  /** When the mode was asked for, by the monotonic clock: from then on the deadline counts. */
  readonly asked: number;
  /** Called once, with what was read, or why nothing could be. */
  readonly settle: (reading: Reading) => void;
}

const untilOf = ({ asked }: Asking): number => asked + EVALUATION_TIMEOUT_MS;

/**
 * Gives evaluations a deadline. All have the same, so one timer serves them all: most are over long before anybody
 * looks.
 */
export class Deadlines {
  readonly #pending = new Set<Asking>(); // the oldest first
  #timer: NodeJS.Timeout | undefined;

  add(asking: Asking): void {
    this.#pending.add(asking);
    if (this.#pending.size > 1) return;
    if (this.#timer) this.#timer.ref();
    else this.#timer = setTimeout(() => this.#look(), EVALUATION_TIMEOUT_MS);
  }

  /** Settles what has its reading: late where the timer could not say so, because nothing let the event loop turn. */
  end(asking: Asking, reading: Reading): void {
    if (!this.#pending.delete(asking)) return;
    if (this.#pending.size === 0) this.#timer?.unref(); // an idle deadline holds no process
    asking.settle(performance.now() <= untilOf(asking) ? reading : LATE);
  }

  #look(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const asking of this.#pending) {
      const left = untilOf(asking) - now;
      if (left > 0) {
        this.#timer = setTimeout(() => this.#look(), left);
        return;
      }
      this.#pending.delete(asking);
      asking.settle(LATE);
    }
  }
}

/**
 * Asks for the mode, by one OpenFeature evaluation with a deadline and a default of our own. Whatever goes wrong is a
 * fault.
 */
export function askMode({ client, deadlines, sourceFault }: ModeSource, subject: Subject, asking: Asking): void {
  const fail = (error: unknown): void =>
    deadlines.end(asking, faultReading('PROVIDER_ERROR', `the evaluation of ${MODE_FLAG} failed: ${messageOf(error)}`));
  const read = (details: FlagDetails): void => {
    try {
      const fault = sourceFault();
      const reading = fault ? faultReading(fault.code, fault.message) : readingFromDetails(details, SAFE_MODE);
      deadlines.end(asking, reading);
    } catch (error) {
      fail(error); // details that cannot be read, as somebody's hook may leave them
    }
  };
  deadlines.add(asking);
  try {
    client.getStringDetails(MODE_FLAG, SAFE_MODE, contextFromSubject(subject)).then(read, fail);
  } catch (error) {
    fail(error);
  }
}

/** What `askMode` comes to. It never rejects. */
export const evaluateMode = (source: ModeSource, subject: Subject, asked = performance.now()): Promise<Reading> =>
  new Promise((settle) => {
    askMode(source, subject, { asked, settle });
  });
