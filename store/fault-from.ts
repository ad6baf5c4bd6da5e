import { type Fault, type FaultCode, isKillSwitchError, type KillSwitchErrorCode, messageOf } from '../flags/index.ts';

const FAULT_CODES: Partial<Record<KillSwitchErrorCode, FaultCode>> = {
  STORE_UNREACHABLE: 'STORE_UNREACHABLE',
  STORE_READ_ONLY: 'STORE_READ_ONLY',
  NOT_PERMITTED: 'STORE_READ_ONLY',
  NETWORK_FILESYSTEM: 'STORE_UNREACHABLE',
  CORRUPT: 'STORE_CORRUPT',
  UNKNOWN_ENTRY: 'STORE_CORRUPT',
  UNKNOWN_EVENT: 'STORE_CORRUPT',
};

/** The fault that a failed request to a store is. */
export const faultFrom = (error: unknown): Fault => ({
  code: (isKillSwitchError(error) && FAULT_CODES[error.code]) || 'INTERNAL',
  message: messageOf(error),
});
