/** How an attempt has ended, for whatever it has taken before it started: an intent, a request, a reservation. */
export type AttemptEnd<Result> =
  | { readonly is: 'landed'; readonly result: Result }
  /** `execute` has thrown; `unknown` where it had been told to stop. */
  | { readonly is: 'failed' | 'unknown'; readonly error: unknown }
  | { readonly is: 'not_started' };

/**
 * Settles one thing that an attempt has taken. Begun in the turn in which the attempt ends; the call returns, and the
 * action stays in flight, until all of them are done. It is asked once more where something landed after it had been
 * `unknown`. What it throws changes nothing: the effect is there already.
 */
export type Ending<Result> = (end: AttemptEnd<Result>) => void | Promise<void>;
