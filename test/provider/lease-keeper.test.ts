import { expect, it } from 'vitest';
import { LeaseKeeper } from '../../provider/lease-keeper.ts';

it('counts a lease from when the confirmation was sent, not from when it was answered', async () => {
  let now = 1000;
  const keeper = new LeaseKeeper({
    leaseMs: 500,
    confirm: async () => {
      now = 1400;
    },
    clock: () => ({ mono: now, wall: now }),
    onChange: () => {},
  });
  expect(keeper.fault()).toMatchObject({ code: 'NOT_READY' });
  await keeper.start();
  expect(keeper.trust()).toEqual({ is: 'fresh' });
  now = 1499;
  expect(keeper.fault()).toBeNull();
  now = 1500;
  expect(keeper.fault()).toMatchObject({ code: 'STALE' });
  keeper.close();
});

it('ignores a confirmation whose answer comes after the lease it would give has ended', async () => {
  let now = 1000;
  const keeper = new LeaseKeeper({
    leaseMs: 500,
    confirm: async () => {
      now += 600;
    },
    clock: () => ({ mono: now, wall: now }),
    onChange: () => {},
  });
  await keeper.start();
  expect(keeper.fault()).toMatchObject({ code: 'STALE' });
  keeper.close();
});
