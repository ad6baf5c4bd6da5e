import type { Step } from './step.ts';

/**
 * Has the tripwires count the call, once, also where a limit or a budget then refuses it. What the mode has blocked is
 * not counted here: `refusals` counts that. What it trips stops the call in the next round.
 */
export const tripwires: Step = {
  name: 'tripwires',
  isFor: (_action, hasStore) => hasStore,
  take(attempt) {
    const { guard, subject, input } = attempt;
    // Whoever comes back with the id of a request asks for nothing new.
    const isNew = attempt.options.approvalId === undefined && !attempt.reversal;
    if (attempt.isCounted || !isNew || !guard.tripwires) return 'go on';
    attempt.isCounted = true;
    const tripped = guard.tripwires.called(subject, input);
    if (!tripped) return 'go on';
    // A call that waits is counted anew once a person has lifted the stop, as the first.
    attempt.isCounted = attempt.look().verdict !== 'pause';
    return tripped.then(() => 'again' as const);
  },
};
