import { describe, expect, test } from 'vitest';
import {
  CATALOGUE,
  causeMetadata,
  type FaultCode,
  type FlagDetails,
  faultOfAnswer,
  faultReading,
  modeOf,
  readingFromDetails,
} from '../../flags/index.ts';

const read = (details: Partial<FlagDetails>, callerDefault = 'live') =>
  readingFromDetails({ value: 'live', variant: 'live', reason: 'STATIC', ...details }, callerDefault);

describe('a reading of an evaluation’s details', () => {
  test('has the cause “mode” where a foreign provider names no cause', () => {
    expect(read({})).toEqual({ mode: 'live', cause: { kind: 'mode' }, epoch: 0 });
    expect(read({ flagMetadata: { epoch: '7', cause: 'nonsense' } })).toEqual({
      mode: 'live',
      cause: { kind: 'mode' },
      epoch: 0,
    });
  });

  test.each<[Partial<FlagDetails>, FaultCode, string]>([
    [{ errorCode: 'PROVIDER_NOT_READY' }, 'NOT_READY', 'the provider of kill-switch.mode is not ready'],
    [{ errorCode: 'GENERAL' }, 'PROVIDER_ERROR', 'the evaluation of kill-switch.mode failed'],
    [{ reason: 'DISABLED' }, 'FLAG_DISABLED', 'the flag kill-switch.mode is disabled'],
    [{ value: true as never }, 'TYPE_MISMATCH', 'the flag kill-switch.mode is not a string'],
    [{ value: 'on' }, 'INVALID_MODE', 'the flag kill-switch.mode has a value that is not a mode'],
    [{ variant: undefined }, 'FLAG_NOT_FOUND', 'the flag kill-switch.mode is missing, or nothing answered for it'],
  ])('says what is wrong, in one clause: %j', (details, fault, message) => {
    expect(read(details)).toEqual(faultReading(fault, message));
  });

  test('of another flag has a message without the word mode', () => {
    const row = CATALOGUE.limit;
    const details = { value: -1, variant: 'v', reason: 'STATIC' };
    expect(faultOfAnswer(row, 'kill-switch.limit.refunds', details, 0)).toEqual({
      code: 'INVALID_VALUE',
      message: 'the flag kill-switch.limit.refunds has a value that means nothing',
    });
  });

  test('of an unknown fault has its code and message in the text, as far as they are texts', () => {
    const messageFor = (metadata: Record<string, string | number>): unknown =>
      read({ flagMetadata: { cause: 'fault', ...metadata } });
    const unknown = 'the provider names a fault that is not known here,';
    expect(messageFor({ code: 'NEW', message: 'because' })).toMatchObject({ message: `${unknown} NEW: because` });
    expect(messageFor({ code: 7, message: 7 })).toMatchObject({ message: `${unknown} without a code: ` });
    expect(messageFor({ code: 'N'.repeat(200) })).toMatchObject({ message: `${unknown} ${'N'.repeat(100)}: ` });
    expect(messageFor({ code: 'STALE' })).toEqual(faultReading('STALE', ''));
  });

  test('holds no secret from an error that a provider threw', () => {
    const secret = 'redis://ops:hunter2secret@db:6379';
    const thrown = read({ errorCode: 'GENERAL', errorMessage: secret });
    const named = read({ flagMetadata: { cause: 'fault', code: 'STALE', message: secret } });
    for (const reading of [thrown, named]) {
      expect(reading).toMatchObject({ message: expect.stringContaining('redis://[redacted]@db:6379') });
      expect(JSON.stringify(reading)).not.toContain('hunter2secret');
    }
  });

  test('has the epoch of its metadata, from 0 on, also where it is a fault', () => {
    for (const epoch of [0, 1, Number.MAX_SAFE_INTEGER]) expect(read({ flagMetadata: { epoch } }).epoch).toBe(epoch);
    expect(read({ reason: 'DISABLED', flagMetadata: { epoch: 4 } }).epoch).toBe(4);
  });

  test.each<[string, Partial<FlagDetails>, string]>([
    ['it is missing', { errorCode: 'FLAG_NOT_FOUND', reason: 'ERROR' }, 'FLAG_NOT_FOUND'],
    ['it may be just the default', { variant: undefined }, 'FLAG_NOT_FOUND'],
    ['it is disabled', { reason: 'DISABLED' }, 'FLAG_DISABLED'],
    ['it has another type', { value: true as never }, 'TYPE_MISMATCH'],
    ['it is no mode', { value: 'on' }, 'INVALID_MODE'],
    ['the provider is not ready', { errorCode: 'PROVIDER_NOT_READY', reason: 'ERROR' }, 'NOT_READY'],
    ['the evaluation failed', { errorCode: 'GENERAL', reason: 'ERROR' }, 'PROVIDER_ERROR'],
  ])('is a named fault when %s', (_, details, fault) => {
    const reading = read({ ...details, errorMessage: 'because', flagMetadata: { epoch: 3 } });
    expect(reading).toMatchObject({ fault, epoch: 3, message: expect.stringMatching(/kill-switch\.mode.*: because$/) });
    expect(modeOf(reading)).toMatchObject({ mode: 'full_stop', cause: { kind: 'fault', code: fault } });
  });

  test('keeps the name of a fault that one of our own providers gave, whatever the value says', () => {
    const flagMetadata = causeMetadata({ kind: 'fault', code: 'STALE', message: 'lease over' }, 9);
    expect(read({ flagMetadata })).toEqual(faultReading('STALE', 'lease over', 9));
  });
});
