import { askMode } from '../evaluate.ts';
import { always, type Step } from './step.ts';

/** Asks for the mode, in each round. */
export const reading: Step = {
  name: 'reading',
  isFor: always,
  // The one promise of most attempts. It resolves with what the centre waits for: one more for the reading would be
  // made and awaited by each call.
  take: (attempt) =>
    new Promise<'go on'>((resolve) => {
      askMode(attempt.guard, attempt.subject, {
        asked: attempt.asked,
        settle(evaluated) {
          attempt.evaluated = evaluated;
          resolve('go on');
        },
      });
    }),
};
