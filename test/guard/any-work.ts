import type { Running } from '../../guard/in-flight.ts';

/** What of running work a test does not look at. */
export const ANY_WORK: Pick<Running, 'subject' | 'work'> = {
  subject: { effect: 'write' },
  work: { signalledAt: null, hasReadSignal: false },
};
