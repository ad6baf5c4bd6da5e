import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deadManBound, validUntilFor } from '../../operator/dead-man.ts';

const times = fc.record({
  reissueMs: fc.integer({ min: 50, max: 10_000 }),
  writeMs: fc.integer({ min: 0, max: 2000 }),
  pollMs: fc.integer({ min: 0, max: 6000 }),
  skewMs: fc.integer({ min: 0, max: 3000 }),
});

/** Whether a client has stopped at the last moment at which it can still have this definition. */
function stopsWithoutCause(
  sentWallMs: number,
  validMs: number,
  { reissueMs, writeMs, pollMs, skewMs }: Parameters<typeof deadManBound>[0],
) {
  const nextIsRead = sentWallMs + reissueMs + writeMs + pollMs;
  const clientSeconds = Math.floor((nextIsRead + skewMs) / 1000);
  return clientSeconds >= validUntilFor({ sentWallMs, validMs });
}

test('a validity of the bound never stops anybody without cause, at any phase of the second', () => {
  fc.assert(
    fc.property(times, fc.integer({ min: 1_700_000_000_000, max: 1_700_000_001_000 }), (given, sent) => {
      expect(stopsWithoutCause(sent, deadManBound(given), given)).toBe(false);
    }),
  );
});

test('a millisecond less than the bound stops somebody without cause at some phase of the second', () => {
  fc.assert(
    fc.property(times, (given) => {
      const phases = Array.from({ length: 1000 }, (_, ms) => 1_700_000_000_000 + ms);
      expect(phases.some((sent) => stopsWithoutCause(sent, deadManBound(given) - 1, given))).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test('the end is counted from when the confirmation was sent, less the age it had through a hop, in whole seconds', () => {
  expect(validUntilFor({ sentWallMs: 10_000, validMs: 5000 })).toBe(15);
  expect(validUntilFor({ sentWallMs: 10_999, validMs: 5000 })).toBe(15);
  expect(validUntilFor({ sentWallMs: 10_999, hopAgeMs: 1000, validMs: 5000 })).toBe(14);
});

test('a source that is read every 5 s cannot meet a bound of 5 s', () => {
  expect(deadManBound({ reissueMs: 500, writeMs: 100, pollMs: 5000, skewMs: 0 })).toBe(6600);
});
