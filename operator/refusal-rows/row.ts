import { type KillSwitchErrorCode, quoteId } from '../../flags/index.ts';

/** Where a switch is looked for. */
export interface Place {
  readonly location: string;
  readonly organizationId: string;
}

/** `place`: where it was looked for; null where that is not known, as in planning. */
export interface Placed {
  readonly place: Place | null;
}

/** The reader of a refusal: somebody who calls the package in code, or somebody who types a command. */
export type Reader = 'program' | 'command';

export interface RefusalRow<F> {
  readonly code: KillSwitchErrorCode;
  /** What happened, with the value. */
  readonly says: (facts: F) => string;
  /** How to mend it, in the words of each reader; absent where the first sentence says it. */
  readonly hint?: Hint | ((facts: F) => Hint);
  /** True where the log has it as a refused attempt. */
  readonly isAttempt?: true;
}

export type Hint = Readonly<Record<Reader, string>>;

/** The rows of these facts, one a kind. */
export type RefusalRows<Facts> = { readonly [K in keyof Facts]: RefusalRow<Facts[K]> };

export const LOOK_AGAIN = {
  program: 'Look again (status()), then decide.',
  command: 'Look again (kill-switch status), then decide.',
};

/** Names the store and the organization, so that a wrong one is seen. */
export const at = (place: Place | null): string =>
  place ? `of the organization ${quoteId(place.organizationId)} in ${place.location}` : 'in this store';
