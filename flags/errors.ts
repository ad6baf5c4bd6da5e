import { redactedStart } from './secret-texts.ts';

const BRAND = Symbol.for('openfeature-kill-switch.error');

/** What went wrong, for machines. */
export type KillSwitchErrorCode =
  | 'ALREADY_INITIALISED'
  | 'ANCHOR_FOREIGN'
  | 'CLOSED'
  | 'CONFLICT'
  | 'CORRUPT'
  | 'INVALID_ARGUMENT'
  | 'INVALID_STATE'
  | 'LOG_REPLACED'
  | 'NETWORK_FILESYSTEM'
  | 'NOT_INITIALISED'
  | 'NOT_FOUND'
  | 'NOT_KILLED'
  | 'NOT_PERMITTED'
  | 'PENDING'
  | 'REASON_REQUIRED'
  | 'RECOVER_REQUIRED'
  | 'NOTHING_TO_RECOVER'
  | 'STORE_READ_ONLY'
  | 'STORE_UNREACHABLE'
  | 'UNKNOWN_ENTRY'
  | 'UNKNOWN_EVENT';

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
}

/** True for an error of this package, also of another copy of it. */
export const isKillSwitchError = (error: unknown): error is KillSwitchError => error instanceof Error && BRAND in error;

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
