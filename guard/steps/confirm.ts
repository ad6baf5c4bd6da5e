import { askPermit } from '../confirm.ts';
import type { Step } from './step.ts';

/**
 * Asks the store to confirm an irreversible action. The start step checks the answer. Without a store such an action
 * gets no permit, so that it never starts, should the step `store` not have refused it.
 */
export const confirm: Step = {
  name: 'confirm',
  isFor: ({ irreversible }) => irreversible,
  async take(attempt): Promise<'go on'> {
    const { permit } = attempt;
    const { replica } = attempt.guard;
    attempt.confirm();
    if (permit?.is === 'granted' && permit.isFresh()) return 'go on'; // the use of an approval was a confirmation
    if (replica) attempt.permit = await askPermit(replica);
    return 'go on';
  },
};
