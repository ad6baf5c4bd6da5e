import { describe, expect, test } from 'vitest';
import { checkTimeout } from '../../flags/index.ts';
import { createKillSwitch } from '../../index.ts';
import { openControlPlane } from '../../operator/open.ts';
import { StrictestWinsStrategy } from '../../provider/strictest-wins.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { Memory, memoryStore } from '../../store/memory/index.ts';

test.each([0.5, 1, 600_000])('a time of %s ms is taken as it is', (ms) => {
  expect(checkTimeout('waitMs', ms)).toBe(ms);
});

test('a timeout may be as long as its bound, and no longer', () => {
  expect(checkTimeout('waitMs', 50, 50)).toBe(50);
  expect(() => checkTimeout('waitMs', 51, 50)).toThrow(
    'waitMs must be more than 0 and at most 50 milliseconds, not 51.',
  );
  expect(() => checkTimeout('waitMs', 600_001)).toThrow('at most 600000 milliseconds, not 600001.');
});

/** Node's timers count 2^31 - 1 milliseconds at most, and fire at once for more. */
describe.each([2 ** 31, 30 * 86_400_000, Number.POSITIVE_INFINITY, Number.NaN, 0, -1])('a time of %s ms', (ms) => {
  const operator = { id: 'dana', roles: ['admin'] } as const;

  test('is refused by every option that becomes a timer', async () => {
    const memory = new Memory();
    expect(() => new StrictestWinsStrategy({ timeoutMs: ms })).toThrow(
      `timeoutMs must be more than 0 and at most 600000 milliseconds, not ${ms}.`,
    );
    await expect(
      openControlPlane({ store: memoryControlStore({ memory }), operator, requestTimeoutMs: ms }),
    ).rejects.toThrow(/requestTimeoutMs must be more than 0 and at most 600000/);
    await expect(createKillSwitch({ store: memoryStore({ memory }), handlerTimeoutMs: ms })).rejects.toThrow(
      /handlerTimeoutMs must be more than 0 and at most 2147483647/,
    );
  });
});
