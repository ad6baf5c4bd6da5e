import { invalid, quoteId } from '../flags/index.ts';
import type { CallArguments, GuardedAction } from './action.ts';
import type { Outcome } from './outcome.ts';

/** Calls a function as one run. */
export type Within = <Result>(inside: () => Result) => Result;

/**
 * Acts as one run, whatever the async context: a callback of a pool, a batcher, an emitter or a timer may run in
 * another run's context, or in none.
 */
export interface ActingAs {
  /**
   * Returns `work` as a function that acts as this run, whoever calls it. It does so also after the run has ended, so
   * that kills still reach it.
   */
  bind<This, Args extends unknown[], Result>(
    work: (this: This, ...args: Args) => Result,
  ): (this: This, ...args: Args) => Result;
  /** `action(input, options)` as this run. */
  call<Input, Result>(action: GuardedAction<Input, Result>, ...given: CallArguments<Input>): Promise<Result>;
  /** `action.attempt(input, options)` as this run. */
  attempt<Input, Result>(
    action: GuardedAction<Input, Result>,
    ...given: CallArguments<Input>
  ): Promise<Outcome<Result>>;
}

/**
 * @param isOurs whether an action belongs to the run's own switch: another switch does not know this run, and its
 * actions would act as somebody else
 */
export function actingAs(within: Within, isOurs: (action: object) => boolean): ActingAs {
  const check = (action: { readonly definition: { readonly name: string } }): void => {
    if (isOurs(Object(action))) return;
    const name: unknown = Object(Object(action).definition).name;
    throw invalid(
      `${name === undefined ? 'This' : quoteId(name)} is no action of the switch that this run belongs to: give the run what killSwitch.action(…) of the same switch returned.`,
    );
  };
  return {
    bind(work) {
      if (typeof work !== 'function') throw invalid(`run.bind takes a function, not ${quoteId(work)}.`);
      return function (...args) {
        return within(() => work.apply(this, args));
      };
    },
    async call(action, ...given) {
      check(action);
      return within(() => action(...given));
    },
    async attempt(action, ...given) {
      check(action);
      return within(() => action.attempt(...given));
    },
  };
}
