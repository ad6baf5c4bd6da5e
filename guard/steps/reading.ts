import { askMode } from '../evaluate.ts';
import { always, type Step } from './step.ts';

/** Asks for the mode, once in each round. */
export const reading: Step = {
  name: 'reading',
  isFor: always,
  // Most attempts make no other promise. It resolves with `go on` itself, to save each call a second promise for the
  // reading.
  take: (attempt) =>
    new Promise<'go on'>((resolve) => {
      askMode(attempt.guard, attempt.subject, {
        askedAt: attempt.askedAt,
        settle(evaluated) {
          attempt.evaluated = evaluated;
          resolve('go on');
        },
      });
    }),
};
