import { describe, expect, test } from 'vitest';
import { handlingOf, KillSwitchError, type KillSwitchErrorCode } from '../../flags/index.ts';

/** Whether it is tried again, whether a follower waits, what it is for an executor, whether it proves nothing. */
type Row = readonly [retry: string, follow: string, fault: string, provesNothing: boolean];

const HANDLINGS: { readonly [Code in KillSwitchErrorCode]: Row } = {
  ALREADY_INITIALISED: ['never', 'end', 'INTERNAL', false],
  ANCHOR_FOREIGN: ['never', 'end', 'INTERNAL', false],
  CLOSED: ['never', 'end', 'INTERNAL', true],
  CONFLICT: ['again', 'end', 'INTERNAL', false],
  CORRUPT: ['never', 'end', 'STORE_CORRUPT', false],
  INVALID_ARGUMENT: ['alone', 'end', 'INTERNAL', false],
  INVALID_STATE: ['alone', 'end', 'INTERNAL', false],
  LOG_REPLACED: ['never', 'end', 'INTERNAL', false],
  NETWORK_FILESYSTEM: ['never', 'end', 'STORE_UNREACHABLE', true],
  NOT_FOUND: ['never', 'end', 'INTERNAL', false],
  NOT_INITIALISED: ['never', 'end', 'INTERNAL', false],
  NOT_KILLED: ['never', 'end', 'INTERNAL', false],
  NOT_PERMITTED: ['never', 'wait once answered', 'STORE_READ_ONLY', true],
  PENDING: ['never', 'end', 'INTERNAL', false],
  REASON_REQUIRED: ['never', 'end', 'INTERNAL', false],
  RECOVER_REQUIRED: ['never', 'end', 'INTERNAL', false],
  STORE_READ_ONLY: ['again', 'wait', 'STORE_READ_ONLY', true],
  STORE_UNREACHABLE: ['again', 'wait', 'STORE_UNREACHABLE', true],
  UNKNOWN_ENTRY: ['never', 'end', 'STORE_CORRUPT', true],
  UNKNOWN_EVENT: ['never', 'end', 'STORE_CORRUPT', true],
};

const rowOf = (error: unknown): Row => {
  const { retry, follow, fault, provesNothing } = handlingOf(error);
  return [retry, follow, fault, provesNothing];
};

describe('what is done about a failure', () => {
  test.each(Object.keys(HANDLINGS) as KillSwitchErrorCode[])('is said by the row of its code: %s', (code) => {
    expect(rowOf(new KillSwitchError(code, 'x'))).toEqual(HANDLINGS[code]);
  });

  test('is to try again where it is no failure of this package, or one that only another version of it knows', () => {
    const unexpected = ['again', 'end', 'INTERNAL', false];
    for (const error of [new Error('x'), 'x', null, Object.assign(new Error('x'), { code: 'CORRUPT' })])
      expect(rowOf(error)).toEqual(unexpected);
    for (const code of ['OF_ANOTHER_VERSION', 'constructor'])
      expect(rowOf(new KillSwitchError(code as KillSwitchErrorCode, 'x'))).toEqual(unexpected);
  });
});
