/** OpenFeature's error codes that a fault can become. */
export type OpenFeatureErrorCode =
  | 'PROVIDER_NOT_READY'
  | 'FLAG_NOT_FOUND'
  | 'PARSE_ERROR'
  | 'TYPE_MISMATCH'
  | 'GENERAL';

/**
 * Every fault of the switch itself, with the OpenFeature error code for it. Each means `full_stop`. To add a fault, add
 * its row.
 */
const FAULTS = Object.freeze({
  NOT_READY: 'PROVIDER_NOT_READY',
  NOT_INITIALISED: 'PROVIDER_NOT_READY',
  CLOSED: 'PROVIDER_NOT_READY',
  STALE: 'GENERAL',
  STORE_UNREACHABLE: 'GENERAL',
  STORE_READ_ONLY: 'GENERAL',
  STORE_CORRUPT: 'PARSE_ERROR',
  GENERATION_CHANGED: 'GENERAL',
  ANCHOR_UNUSABLE: 'GENERAL',
  ANCHOR_FOREIGN: 'GENERAL',
  ARCHIVED: 'GENERAL',
  FLAG_NOT_FOUND: 'FLAG_NOT_FOUND',
  FLAG_DISABLED: 'GENERAL',
  FOREIGN_ANSWER: 'GENERAL',
  TYPE_MISMATCH: 'TYPE_MISMATCH',
  INVALID_MODE: 'PARSE_ERROR',
  INVALID_VALUE: 'PARSE_ERROR',
  PROVIDER_ERROR: 'GENERAL',
  DOMAIN_TAKEN: 'GENERAL',
  DEADLINE_EXCEEDED: 'GENERAL',
  HANDLER_FAILED: 'GENERAL',
  JOURNAL_UNAVAILABLE: 'GENERAL',
  LANDED_UNKNOWN: 'GENERAL',
  ROLLBACK_ENDED: 'GENERAL',
  UNDONE: 'GENERAL',
  NO_LOCAL_STATE: 'GENERAL',
  UNSUPPORTED: 'GENERAL',
  INTERNAL: 'GENERAL',
} as const satisfies Readonly<Record<string, OpenFeatureErrorCode>>);

/** What can be wrong with the switch itself. */
export type FaultCode = keyof typeof FAULTS;

/** True for the code of a fault that this version knows. */
export const isFaultCode = (value: unknown): value is FaultCode =>
  typeof value === 'string' && Object.hasOwn(FAULTS, value);

/** Every code of a fault. */
export const FAULT_CODES: readonly FaultCode[] = Object.freeze(Object.keys(FAULTS).filter(isFaultCode));

/** OpenFeature's name of a fault. */
export const openFeatureErrorCode = (code: FaultCode): OpenFeatureErrorCode => FAULTS[code];

/** What is wrong, for machines and for people. */
export interface Fault {
  readonly code: FaultCode;
  readonly message: string;
}
