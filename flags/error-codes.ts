import type { FaultCode } from './decision.ts';

/** OpenFeature's error codes that a fault can become. */
export type OpenFeatureErrorCode =
  | 'PROVIDER_NOT_READY'
  | 'FLAG_NOT_FOUND'
  | 'PARSE_ERROR'
  | 'TYPE_MISMATCH'
  | 'GENERAL';

/** OpenFeature's name of a fault. */
export function openFeatureErrorCode(code: FaultCode): OpenFeatureErrorCode {
  switch (code) {
    case 'NOT_READY':
    case 'NOT_INITIALISED':
    case 'CLOSED':
      return 'PROVIDER_NOT_READY';
    case 'FLAG_NOT_FOUND':
      return 'FLAG_NOT_FOUND';
    case 'STORE_CORRUPT':
    case 'INVALID_MODE':
    case 'INVALID_VALUE':
      return 'PARSE_ERROR';
    case 'TYPE_MISMATCH':
      return 'TYPE_MISMATCH';
    case 'STALE':
    case 'STORE_UNREACHABLE':
    case 'STORE_READ_ONLY':
    case 'GENERATION_CHANGED':
    case 'ANCHOR_UNUSABLE':
    case 'ANCHOR_FOREIGN':
    case 'FLAG_DISABLED':
    case 'FOREIGN_ANSWER':
    case 'PROVIDER_ERROR':
    case 'DOMAIN_TAKEN':
    case 'DEADLINE_EXCEEDED':
    case 'HANDLER_FAILED':
    case 'JOURNAL_UNAVAILABLE':
    case 'NO_LOCAL_STATE':
    case 'UNSUPPORTED':
    case 'INTERNAL':
      return 'GENERAL';
    default:
      code satisfies never;
      return 'GENERAL'; // a code that another version's provider named
  }
}
