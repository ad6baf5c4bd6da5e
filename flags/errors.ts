import type { FaultCode } from './faults.ts';
import { redactedStart } from './secret-texts.ts';

const BRAND = Symbol.for('openfeature-kill-switch.error');

/** What the parts of this package do about a failure. */
export interface Handling {
  /** What it is for an executor whose request has failed so. */
  readonly fault: FaultCode;
  /** Whether a change is tried again; `alone`: each of its batch by itself, since one of them is wrong. */
  readonly retry: 'again' | 'alone' | 'never';
  /** Whether whoever follows a log waits until it has passed; `once answered`: only after the store has answered. */
  readonly follow: 'wait' | 'wait once answered' | 'end';
  /** True where the store was not read or not understood, which proves nothing against its log. */
  readonly provesNothing: boolean;
}

/** What does not come of the store: of what was asked for, or of a rule. */
const NOT_THE_STORE: Handling = { fault: 'INTERNAL', retry: 'never', follow: 'end', provesNothing: false };
const WRONG: Handling = { ...NOT_THE_STORE, retry: 'alone' };
const OUTAGE: Handling = { fault: 'STORE_UNREACHABLE', retry: 'again', follow: 'wait', provesNothing: true };
const NOT_UNDERSTOOD: Handling = { fault: 'STORE_CORRUPT', retry: 'never', follow: 'end', provesNothing: true };

/** Every code, and what is done about it. To add one, add its row. */
const ERRORS = Object.freeze({
  ALREADY_INITIALISED: NOT_THE_STORE,
  ANCHOR_FOREIGN: NOT_THE_STORE,
  // What is asked for is in a file that the store does not have.
  ARCHIVED: { ...NOT_UNDERSTOOD, fault: 'ARCHIVED' },
  APPROVAL_ENDED: NOT_THE_STORE,
  BREAK_GLASS_OFF: NOT_THE_STORE,
  CLOSED: { ...NOT_THE_STORE, provesNothing: true },
  CONFLICT: { ...NOT_THE_STORE, retry: 'again' },
  CORRUPT: { ...NOT_UNDERSTOOD, provesNothing: false },
  DRILL_REQUIRED: NOT_THE_STORE,
  DWELL_REQUIRED: NOT_THE_STORE,
  EVIDENCE_REQUIRED: NOT_THE_STORE,
  INVALID_ARGUMENT: WRONG,
  INVALID_STATE: WRONG,
  JOURNAL_UNAVAILABLE: NOT_THE_STORE,
  LOG_REPLACED: NOT_THE_STORE,
  MISSING_PACKAGE: { ...OUTAGE, retry: 'never', follow: 'end' },
  NETWORK_FILESYSTEM: { ...OUTAGE, retry: 'never', follow: 'end' },
  NOT_INITIALISED: NOT_THE_STORE,
  NOT_FOUND: NOT_THE_STORE,
  NOT_KILLED: NOT_THE_STORE,
  // Its rules may be mended while somebody watches.
  NOT_PERMITTED: { ...OUTAGE, fault: 'STORE_READ_ONLY', retry: 'never', follow: 'wait once answered' },
  OTHER_ARGUMENTS: NOT_THE_STORE,
  PENDING: NOT_THE_STORE,
  REASON_REQUIRED: NOT_THE_STORE,
  RECOVER_REQUIRED: NOT_THE_STORE,
  ROLE_REQUIRED: NOT_THE_STORE,
  SAME_APPROVER: NOT_THE_STORE,
  SECOND_PERSON_REQUIRED: NOT_THE_STORE,
  SELF_APPROVAL: NOT_THE_STORE,
  STEP_REQUIRED: NOT_THE_STORE,
  STORE_READ_ONLY: { ...OUTAGE, fault: 'STORE_READ_ONLY' },
  STORE_UNREACHABLE: OUTAGE,
  UNKNOWN_ENTRY: NOT_UNDERSTOOD,
  UNKNOWN_EVENT: NOT_UNDERSTOOD,
} as const satisfies Readonly<Record<string, Handling>>);

/** What went wrong, for machines. */
export type KillSwitchErrorCode = keyof typeof ERRORS;

/** Every code of an error. */
export const ERROR_CODES: readonly string[] = Object.freeze(Object.keys(ERRORS));

/**
 * Every failure of this package: a `code` for machines; for people a message that says what happened and how to mend
 * it.
 */
export class KillSwitchError extends Error {
  override readonly name: string = 'KillSwitchError';
  readonly code: KillSwitchErrorCode;
  readonly [BRAND] = true;

  constructor(code: KillSwitchErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** One sentence for a model: nothing of what happened, of where, or of whom. */
  get modelMessage(): string {
    return handlingOf(this).retry === 'again'
      ? 'This was not done, because the switch that could allow it cannot be reached: try it again later, or report that it was not done.'
      : 'This was not done, because of a mistake in the program or its setup: do not try it again, and report that it was not done.';
  }
}

/** True for an error of this package, also of another copy of it. */
export const isKillSwitchError = (error: unknown): error is KillSwitchError => error instanceof Error && BRAND in error;

/** What is done about anything that was thrown; also about a code that only another copy of this package knows. */
export const handlingOf = (error: unknown): Handling =>
  isKillSwitchError(error) && Object.hasOwn(ERRORS, error.code) ? ERRORS[error.code] : UNEXPECTED;

const UNEXPECTED: Handling = { ...NOT_THE_STORE, retry: 'again' };

/** The name that Node or the system gave to an error, such as `ENOENT`; undefined where it has none. */
export const systemCode = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** The error for wrong options of a caller; nothing was changed. */
export const invalid = (message: string): KillSwitchError => new KillSwitchError('INVALID_ARGUMENT', message);

const MAX_MESSAGE = 4000;

/**
 * The message of anything that was thrown, for a record, a cause or another message. Secrets are redacted, because
 * drivers and handlers put connection strings and headers into their messages; at most 4000 characters.
 */
export function messageOf(error: unknown): string {
  try {
    const message: unknown = error instanceof Error ? error.message : error;
    return redactedStart(String(message), MAX_MESSAGE);
  } catch {
    return 'an error that cannot be read';
  }
}
