import { describe, expect, test } from 'vitest';
import { causeMetadata, type FlagDetails, faultReading, modeOf, readingFromDetails } from '../../flags/index.ts';

const read = (details: Partial<FlagDetails>, callerDefault = 'live') =>
  readingFromDetails({ value: 'live', variant: 'live', reason: 'STATIC', ...details }, callerDefault);

describe('a reading of an evaluation’s details', () => {
  test('is the base mode where somebody else’s provider says nothing of a cause', () => {
    expect(read({})).toEqual({ mode: 'live', cause: { kind: 'mode' }, epoch: 0 });
    expect(read({ flagMetadata: { epoch: '7', cause: 'nonsense' } })).toEqual({
      mode: 'live',
      cause: { kind: 'mode' },
      epoch: 0,
    });
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
