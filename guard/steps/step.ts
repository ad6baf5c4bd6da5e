import type { NormalisedAction } from '../action.ts';
import type { Attempt } from '../attempt.ts';
import type { Outcome } from '../outcome.ts';

/**
 * `go on` to the next step; begin a new round from the first step (`again`); or the outcome, which the attempt itself
 * returns where it ends.
 */
export type Next<Result> = 'go on' | 'again' | Outcome<Result>;

/** One step that an attempt goes through before its action is performed. */
export interface Step {
  /** What the step does, in a word. */
  readonly name: string;
  /** Whether attempts at this action need the step; asked once, when the action is defined. */
  isFor<Input, Result>(action: NormalisedAction<Input, Result>, hasStore: boolean): boolean;
  /**
   * Moves an attempt on. A step with nothing to wait for returns no promise, which keeps most attempts short. After one
   * that does, later steps must look at the switch again. A step that throws is a fault of ours, and refuses the
   * attempt.
   */
  take<Input, Result>(attempt: Attempt<Input, Result>): Next<Result> | Promise<Next<Result>>;
}

/** For steps that every action needs. */
export const always = (): boolean => true;
