import type { Step } from './step.ts';

/**
 * Has the tripwires count the call, once, whatever becomes of it from here on: a loop whose calls are all refused is
 * one too. What that trips stops the call in the next round.
 */
export const tripwires: Step = {
  name: 'tripwires',
  isFor: (_action, hasStore) => hasStore,
  take(attempt) {
    const { guard, subject, input, plain } = attempt;
    if (attempt.isCounted || attempt.reversal || !guard.tripwires) return 'go on';
    attempt.isCounted = true;
    const tripped = guard.tripwires.called(subject, input, plain);
    if (!tripped) return 'go on';
    // Lifted, it is the first that is counted anew.
    attempt.isCounted = attempt.look().verdict !== 'pause';
    return tripped.then(() => 'again' as const);
  },
};
