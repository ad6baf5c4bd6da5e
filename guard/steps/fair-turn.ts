import { always, type Step } from './step.ts';

/**
 * What others have done in this turn of the event loop may have taken long, and a kill may wait to be read: then all is
 * decided anew.
 */
export const fairTurn: Step = {
  name: 'fair turn',
  isFor: always,
  take({ guard }) {
    const turn = guard.turns.beforeStart();
    return turn ? turn.then(() => 'again' as const) : 'go on';
  },
};
