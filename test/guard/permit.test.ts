import { afterEach, describe, expect, test, vi } from 'vitest';
import { faultReading, type Instant } from '../../flags/index.ts';
import { askPermit } from '../../guard/confirm.ts';
import type { ConfirmOutcome } from '../../store/replica.ts';

afterEach(() => vi.restoreAllMocks());

/** What an attempt gets where the copy, of epoch 7, was asked for a permit while the event loop was so busy. */
async function ask(outcome: ConfirmOutcome, { busy = 0, clock = (): Instant => ({ mono: 0, wall: 0 }) } = {}) {
  const before = { idle: 1, active: 1, utilization: 0.1 };
  const loop = vi
    .spyOn(performance, 'eventLoopUtilization')
    .mockImplementation((since) => (since === before ? { idle: 0, active: 0, utilization: busy } : before));
  const confirmNow = vi.fn(async () => outcome);
  const given = await askPermit({ confirmNow, clock, epoch: 7 });
  expect(confirmNow.mock.calls).toEqual([[250]]);
  expect(loop.mock.calls[0]).toEqual([]);
  return given;
}

describe('the permit of an action that cannot be undone', () => {
  test.each(['mono', 'wall'] as const)(
    'is granted where the store confirms it, and fresh until 250 ms after it was asked, by the %s clock of the copy',
    async (stepped) => {
      const clock = { mono: 1000, wall: 5000 };
      const permit = await ask({ is: 'confirmed', sent: { mono: 990, wall: 4990 } }, { clock: () => ({ ...clock }) });
      if (permit.is !== 'granted') throw new Error(permit.is);
      expect(permit.isFresh()).toBe(true);
      clock[stepped] += 239;
      expect(permit.isFresh()).toBe(true);
      clock[stepped] += 1;
      expect(permit.isFresh()).toBe(false);
    },
  );

  test('is refused with the fault of the store, however busy this process was', async () => {
    const fault = { code: 'STORE_READ_ONLY', message: 'a replica was asked' } as const;
    expect(await ask({ is: 'failed', fault }, { busy: 1 })).toEqual({
      is: 'refused',
      reading: faultReading('STORE_READ_ONLY', 'a replica was asked', 7),
    });
  });

  test('is refused as stale where the store was slow, and this process was not', async () => {
    const reading = faultReading('STALE', 'the store did not confirm this action within 250 ms', 7);
    for (const busy of [0, 0.5]) expect(await ask({ is: 'late' }, { busy })).toEqual({ is: 'refused', reading });
  });

  test('is late where this process was too busy to read an answer', async () => {
    for (const busy of [0.51, 1]) expect(await ask({ is: 'late' }, { busy })).toEqual({ is: 'late' });
  });
});
