import { describe, expect, test } from 'vitest';
import {
  handlingOf,
  invalid,
  isKillSwitchError,
  KillSwitchError,
  type KillSwitchErrorCode,
  messageOf,
} from '../../flags/index.ts';
import { systemCode } from '../../flags/errors.ts';
import { isFaultCode, openFeatureErrorCode } from '../../flags/faults.ts';

/** Whether it is tried again, whether a follower waits, what it is for an executor, whether it proves nothing. */
type Row = readonly [retry: string, follow: string, fault: string, provesNothing: boolean];

const HANDLINGS: { readonly [Code in KillSwitchErrorCode]: Row } = {
  ALREADY_INITIALISED: ['never', 'end', 'INTERNAL', false],
  ANCHOR_FOREIGN: ['never', 'end', 'INTERNAL', false],
  ARCHIVED: ['never', 'end', 'ARCHIVED', true],
  APPROVAL_ENDED: ['never', 'end', 'INTERNAL', false],
  BREAK_GLASS_OFF: ['never', 'end', 'INTERNAL', false],
  DRILL_REQUIRED: ['never', 'end', 'INTERNAL', false],
  DWELL_REQUIRED: ['never', 'end', 'INTERNAL', false],
  ROLE_REQUIRED: ['never', 'end', 'INTERNAL', false],
  SECOND_PERSON_REQUIRED: ['never', 'end', 'INTERNAL', false],
  STEP_REQUIRED: ['never', 'end', 'INTERNAL', false],
  CLOSED: ['never', 'end', 'INTERNAL', true],
  CONFLICT: ['again', 'end', 'INTERNAL', false],
  CORRUPT: ['never', 'end', 'STORE_CORRUPT', false],
  INVALID_ARGUMENT: ['alone', 'end', 'INTERNAL', false],
  INVALID_STATE: ['alone', 'end', 'INTERNAL', false],
  JOURNAL_UNAVAILABLE: ['never', 'end', 'INTERNAL', false],
  LOG_REPLACED: ['never', 'end', 'INTERNAL', false],
  MISSING_PACKAGE: ['never', 'end', 'STORE_UNREACHABLE', true],
  NETWORK_FILESYSTEM: ['never', 'end', 'STORE_UNREACHABLE', true],
  NOT_FOUND: ['never', 'end', 'INTERNAL', false],
  NOT_INITIALISED: ['never', 'end', 'INTERNAL', false],
  NOT_KILLED: ['never', 'end', 'INTERNAL', false],
  NOT_PERMITTED: ['never', 'wait once answered', 'STORE_READ_ONLY', true],
  OTHER_ARGUMENTS: ['never', 'end', 'INTERNAL', false],
  PENDING: ['never', 'end', 'INTERNAL', false],
  EVIDENCE_REQUIRED: ['never', 'end', 'INTERNAL', false],
  REASON_REQUIRED: ['never', 'end', 'INTERNAL', false],
  RECOVER_REQUIRED: ['never', 'end', 'INTERNAL', false],
  SAME_APPROVER: ['never', 'end', 'INTERNAL', false],
  SELF_APPROVAL: ['never', 'end', 'INTERNAL', false],
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

describe('an error of this package', () => {
  test('has its name, its code, its message and what caused it', () => {
    const cause = new Error('below');
    const error = new KillSwitchError('CONFLICT', 'x', { cause });
    expect(String(error)).toBe('KillSwitchError: x');
    expect(error).toMatchObject({ name: 'KillSwitchError', code: 'CONFLICT', message: 'x', cause });
    expect(invalid('y')).toMatchObject({ name: 'KillSwitchError', code: 'INVALID_ARGUMENT', message: 'y' });
  });

  test('is known by a mark that no version may rename, since another copy looks for it', () => {
    const mark = Symbol.for('openfeature-kill-switch.error');
    expect(Object.hasOwn(invalid('x'), mark)).toBe(true);
    expect(isKillSwitchError(Object.assign(new Error('x'), { [mark]: true }))).toBe(true);
    expect(isKillSwitchError(new Error('x'))).toBe(false);
    expect(isKillSwitchError({ [mark]: true })).toBe(false);
  });
});

test('the code of the system is the text that Node has given to an error, and nothing else', () => {
  expect(systemCode(Object.assign(new Error('x'), { code: 'ENOENT' }))).toBe('ENOENT');
  for (const other of [new Error('x'), Object.assign(new Error('x'), { code: 7 }), { code: 'ENOENT' }, 'ENOENT', null])
    expect(systemCode(other)).toBeUndefined();
});

test('a message is had of anything that was thrown, also of what throws when it is read', () => {
  expect(messageOf(new Error('x'))).toBe('x');
  expect(messageOf('x')).toBe('x');
  expect(messageOf(undefined)).toBe('undefined');
  expect(messageOf(Object.create(null))).toBe('an error that cannot be read');
});

test('a fault has the name that OpenFeature has for it, and only a text that is in the table is a fault', () => {
  expect(
    (['NOT_READY', 'STALE', 'STORE_CORRUPT', 'FLAG_NOT_FOUND', 'TYPE_MISMATCH'] as const).map(openFeatureErrorCode),
  ).toEqual(['PROVIDER_NOT_READY', 'GENERAL', 'PARSE_ERROR', 'FLAG_NOT_FOUND', 'TYPE_MISMATCH']);
  expect(['STALE', 'stale', 'constructor', 7, null, undefined].map(isFaultCode)).toEqual([
    true,
    ...[false, false, false, false, false],
  ]);
});
