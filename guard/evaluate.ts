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
import type { ModeClient } from '../flags/mode-source.ts';

/** What one evaluation of the mode needs. */
export interface Evaluating {
  readonly client: ModeClient;
  readonly deadlines: Deadlines;
  /** Why the client's answers cannot be used now, or null. Called when an answer has come. */
  readonly sourceFault: () => Fault | null;
}

/** How long one evaluation may take, in milliseconds. */
export const EVALUATION_TIMEOUT_MS = 1000;

const LATE = deepFreeze(
  faultReading('DEADLINE_EXCEEDED', `the evaluation of ${MODE_FLAG} took longer than ${EVALUATION_TIMEOUT_MS} ms`),
);

/** One evaluation. */
export interface Evaluation {
  /** When the mode was asked for, by the monotonic clock; the deadline counts from there. */
  readonly askedAt: number;
  /** Called once, with the reading or the fault. */
  readonly settle: (reading: Reading) => void;
}

const untilOf = ({ askedAt }: Evaluation): number => askedAt + EVALUATION_TIMEOUT_MS;

/** Gives every evaluation the same deadline, by one timer for all: most evaluations have ended long before it fires. */
export class Deadlines {
  readonly #pending = new Set<Evaluation>(); // oldest first
  #timer: NodeJS.Timeout | undefined;

  add(evaluation: Evaluation): void {
    this.#pending.add(evaluation);
    if (this.#pending.size > 1) return;
    if (this.#timer) this.#timer.ref();
    else this.#timer = setTimeout(() => this.#look(), EVALUATION_TIMEOUT_MS);
  }

  /**
   * Settles an evaluation that has its reading. A reading past the deadline counts as late, also where a busy event
   * loop kept the timer from firing.
   */
  end(evaluation: Evaluation, reading: Reading): void {
    if (!this.#pending.delete(evaluation)) return;
    if (this.#pending.size === 0) this.#timer?.unref(); // an idle timer must not keep the process alive
    evaluation.settle(performance.now() <= untilOf(evaluation) ? reading : LATE);
  }

  #look(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const evaluation of this.#pending) {
      const left = untilOf(evaluation) - now;
      if (left > 0) {
        this.#timer = setTimeout(() => this.#look(), left);
        return;
      }
      this.#pending.delete(evaluation);
      evaluation.settle(LATE);
    }
  }
}

/**
 * Asks for the mode by one OpenFeature evaluation, with our own deadline and default. Every failure becomes a fault.
 */
export function askMode(
  { client, deadlines, sourceFault }: Evaluating,
  subject: Subject,
  evaluation: Evaluation,
): void {
  const fail = (error: unknown): void =>
    deadlines.end(
      evaluation,
      faultReading('PROVIDER_ERROR', `the evaluation of ${MODE_FLAG} failed: ${messageOf(error)}`),
    );
  const read = (details: FlagDetails): void => {
    try {
      const fault = sourceFault();
      const reading = fault ? faultReading(fault.code, fault.message) : readingFromDetails(details, SAFE_MODE);
      deadlines.end(evaluation, reading);
    } catch (error) {
      fail(error); // a hook of the application may leave details that throw when read
    }
  };
  deadlines.add(evaluation);
  try {
    client.getStringDetails(MODE_FLAG, SAFE_MODE, contextFromSubject(subject)).then(read, fail);
  } catch (error) {
    fail(error);
  }
}

/** `askMode` as a promise. It never rejects. */
export const evaluateMode = (guard: Evaluating, subject: Subject, askedAt = performance.now()): Promise<Reading> =>
  new Promise((settle) => {
    askMode(guard, subject, { askedAt, settle });
  });
