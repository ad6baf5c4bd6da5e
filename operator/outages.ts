import { notify } from '../flags/callbacks.ts';
import { handlingOf, messageOf } from '../flags/index.ts';

/** What is done about a store that does not answer while it is followed. */
export interface Outages {
  /** True once it has answered. */
  readonly hasAnswered: boolean;
  /** To be called with each answer. */
  answered(): void;
  /**
   * To be called with each failure. Throws it again where waiting does not help; and, where it helps only a store that
   * has answered before, until one has.
   */
  failed(error: unknown): void;
}

/** @param onTrouble called once with an outage of the store, and once with an empty text when it is over */
export function outages(onTrouble: (problem: string) => void): Outages {
  let hasAnswered = false;
  let isTroubled = false;
  return {
    get hasAnswered() {
      return hasAnswered;
    },
    answered() {
      hasAnswered = true;
      if (isTroubled) notify(onTrouble, '');
      isTroubled = false;
    },
    failed(error) {
      const { follow } = handlingOf(error);
      if (follow === 'end' || (follow === 'wait once answered' && !hasAnswered)) throw error;
      if (!isTroubled) notify(onTrouble, messageOf(error));
      isTroubled = true;
    },
  };
}
