import { afterEach, describe, expect, test, vi } from 'vitest';
import { faultReading } from '../../flags/index.ts';
import { askPermit } from '../../guard/confirm.ts';
import type { Permission } from '../../store/replica.ts';

afterEach(() => vi.restoreAllMocks());

/** What an attempt gets where the copy, of epoch 7, was asked for a permit while the event loop was so busy. */
async function ask(permission: Permission, busy = 0) {
  const before = { idle: 1, active: 1, utilization: 0.1 };
  const loop = vi
    .spyOn(performance, 'eventLoopUtilization')
    .mockImplementation((since) => (since === before ? { idle: 0, active: 0, utilization: busy } : before));
  const permit = vi.fn(async () => permission);
  const given = await askPermit({ permit, epoch: 7 });
  expect(permit.mock.calls).toEqual([[250]]);
  expect(loop.mock.calls[0]).toEqual([]);
  return given;
}

describe('the permit of an action that cannot be undone', () => {
  test('is granted where the store confirms it, with the age that the copy knows', async () => {
    const isFresh = () => true;
    expect(await ask({ is: 'given', isFresh })).toEqual({ is: 'granted', isFresh });
  });

  test('is refused with the fault of the store, however busy this process was', async () => {
    const fault = { code: 'STORE_READ_ONLY', message: 'a replica was asked' } as const;
    expect(await ask({ is: 'failed', fault }, 1)).toEqual({
      is: 'refused',
      reading: faultReading('STORE_READ_ONLY', 'a replica was asked', 7),
    });
  });

  test('is refused as stale where the store was slow, and this process was not', async () => {
    const reading = faultReading('STALE', 'the store did not confirm this action within 250 ms', 7);
    for (const busy of [0, 0.5]) expect(await ask({ is: 'late' }, busy)).toEqual({ is: 'refused', reading });
  });

  test('is late where this process was too busy to read an answer', async () => {
    for (const busy of [0.51, 1]) expect(await ask({ is: 'late' }, busy)).toEqual({ is: 'late' });
  });
});
