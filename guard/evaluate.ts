import { type EvaluationContext, type EvaluationDetails } from '@openfeature/core';
import {
  type Call,
  contextFromCall,
  deepFreeze,
  type Fault,
  faultReading,
  MODE_FLAG,
  messageOf,
  type FlagDetails,
  type Reading,
  readingFromDetails,
  SAFE_MODE,
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
interface Pending {
  readonly until: number;
  readonly settle: (reading: Reading) => void;
}

/** Gives evaluations a deadline. All have the same, so one timer serves them all: most are over long before anybody looks. */
export class Deadlines {
  readonly #pending = new Set<Pending>(); // the oldest first
  #timer: NodeJS.Timeout | undefined;

  add(pending: Pending): void {
    this.#pending.add(pending);
    if (this.#pending.size > 1) return;
    if (this.#timer) this.#timer.ref();
    else this.#timer = setTimeout(() => this.#look(), EVALUATION_TIMEOUT_MS);
  }

  /** Settles what has its reading: late where the timer could not say so, because nothing let the event loop turn. */
  end(pending: Pending, reading: Reading): void {
    if (!this.#pending.delete(pending)) return;
    if (this.#pending.size === 0) this.#timer?.unref(); // an idle deadline holds no process
    pending.settle(performance.now() <= pending.until ? reading : LATE);
  }

  #look(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const pending of this.#pending) {
      if (pending.until > now) {
        this.#timer = setTimeout(() => this.#look(), pending.until - now);
        return;
      }
      this.#pending.delete(pending);
      pending.settle(LATE);
    }
  }
}

/** One OpenFeature evaluation of the mode, asked for at `since`, with a deadline and a default of our own. It never rejects: whatever goes wrong is a fault. */
export function evaluateMode(
  { client, deadlines, sourceFault }: ModeSource,
  call: Call,
  since = performance.now(),
): Promise<Reading> {
  return new Promise((settle) => {
    const pending: Pending = { until: since + EVALUATION_TIMEOUT_MS, settle };
    const fail = (error: unknown): void =>
      deadlines.end(
        pending,
        faultReading('PROVIDER_ERROR', `the evaluation of ${MODE_FLAG} failed: ${messageOf(error)}`),
      );
    const read = (details: FlagDetails): void => {
      try {
        const fault = sourceFault();
        const reading = fault ? faultReading(fault.code, fault.message) : readingFromDetails(details, SAFE_MODE);
        deadlines.end(pending, reading);
      } catch (error) {
        fail(error); // details that cannot be read, as somebody's hook may leave them
      }
    };
    deadlines.add(pending);
    try {
      client.getStringDetails(MODE_FLAG, SAFE_MODE, contextFromCall(call)).then(read, fail);
    } catch (error) {
      fail(error);
    }
  });
}
