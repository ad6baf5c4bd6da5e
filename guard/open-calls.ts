/** The calls that began in one period and have not ended. */
export interface CallPeriod {
  open: number;
  onEnd: () => void;
}

/**
 * Counts calls from their beginning to their outcome, whether or not anything of them runs. A switch that closes waits
 * for those that it ends, so that they can still be recorded.
 */
export class OpenCalls {
  #period: CallPeriod = { open: 0, onEnd() {} };

  /** Counts a call until it is given to `end`. */
  begin(): CallPeriod {
    this.#period.open += 1;
    return this.#period;
  }

  end(period: CallPeriod): void {
    period.open -= 1;
    if (period.open === 0) period.onEnd();
  }

  /** Resolves when all that have begun by now have ended. Those that begin later are not waited for. */
  ended(): Promise<void> {
    const period = this.#period;
    this.#period = { open: 0, onEnd() {} };
    if (period.open === 0) return Promise.resolve();
    return new Promise((resolve) => {
      period.onEnd = resolve;
    });
  }
}
