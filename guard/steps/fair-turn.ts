import { always, type Step } from './step.ts';

/**
 * Where other calls have kept this turn of the event loop busy, a kill may be waiting to be read: lets the loop turn,
 * then decides again.
 */
export const fairTurn: Step = {
  name: 'fair turn',
  isFor: always,
  take({ guard }) {
    const turn = guard.turns.beforeStart();
    return turn ? turn.then(() => 'again' as const) : 'go on';
  },
};
