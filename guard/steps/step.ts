import type { NormalisedAction } from '../action.ts';
import type { Attempt } from '../attempt.ts';
import type { Outcome } from '../outcome.ts';

/**
 * Go on to the next step; begin a round anew, from the first step; or how the attempt has ended, which only the attempt
 * itself can say.
 */
export type Next<Result> = 'go on' | 'again' | Outcome<Result>;

/** One thing that every attempt of an action goes through before it is performed. */
export interface Step {
  /** What it does to an attempt, in a word. */
  readonly name: string;
  /** Whether any attempt of an action needs it; asked once, when the action is made. */
  isFor<Input, Result>(action: NormalisedAction<Input, Result>, hasStore: boolean): boolean;
  /**
   * Moves an attempt on. A promise is awaited, so what was looked at before is to be looked at again; a step that has
   * nothing to wait for returns none, which keeps most attempts short. One that throws is a fault of ours, and the
   * attempt is refused.
   */
  take<Input, Result>(attempt: Attempt<Input, Result>): Next<Result> | Promise<Next<Result>>;
}

/** For steps that every action needs. */
export const always = (): boolean => true;
