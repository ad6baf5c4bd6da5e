import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Beat, KillSwitchError } from '../../flags/index.ts';
import type { Confirmation } from '../../store/confirmation.ts';
import { connectExecutor } from '../../store/connect-executor.ts';
import { Memory } from '../../store/memory/index.ts';
import type { ExecutorStore } from '../../store/ports.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import { isFresh, mode, openReplicas } from './open-replicas.ts';

describe('a replica whose lease is ended by a clock', () => {
  /** A store whose confirmations the test answers. No timer fires here, so whatever happens does not wait for one. */
  async function held() {
    const { store } = await openReplicas();
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const clock = fakeClock();
    const asked: Array<{ answer(): void; fail(): void }> = [];
    let hold = false;
    let heard = (): void => {};
    const open: ExecutorStore['open'] = (scope) => {
      const connection = store.open(scope);
      const confirm = async (beat: Beat, nonce: string): Promise<Confirmation> => {
        const gate = new Promise<void>((answer, reject) => {
          asked.push({ answer, fail: () => reject(new KillSwitchError('STORE_UNREACHABLE', 'no answer in time')) });
        });
        heard();
        if (hold) await gate;
        return connection.confirm(beat, nonce);
      };
      return { ...connection, confirm };
    };
    const counting: ExecutorStore = { location: 'memory:', side: 'executor', nearby: null, loadPackages: null, open };
    const { replica: x } = connectExecutor({
      store: counting,
      organizationId: 'default',
      leaseMs: 60_000,
      executorName: 'x',
      clock,
    });
    onTestFinished(() => x.close());
    await x.start();
    return {
      x,
      clock,
      asked,
      hold: (): void => {
        hold = true;
      },
      isAsked: (times: number) =>
        new Promise<void>((resolve) => {
          heard = () => {
            if (asked.length >= times) resolve();
          };
          heard();
        }),
    };
  }
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };

  test.each([
    ['a step back of the wall clock by 50 ms', -50],
    ['a step forward by an hour, or a suspension', 3_600_000],
  ])('%s is asked about at once, and once', async (_name, step) => {
    const { x, clock, asked, isAsked } = await held();
    const before = asked.length;
    clock.stepWall(step);
    for (let look = 0; look < 100; look += 1) expect(mode(x)).toBe('full_stop: STALE');
    expect(asked).toHaveLength(before); // a decision does no I/O
    await isAsked(before + 1);
    await turns();
    expect(mode(x)).toBe('live');
    expect(asked).toHaveLength(before + 1);
  });

  test('after an answer to a question from before the step another question is sent at once', async () => {
    const { x, clock, asked, hold, isAsked } = await held();
    const before = asked.length;
    hold();
    x.report();
    await isAsked(before + 1);
    clock.stepWall(-50);
    asked[before]?.answer();
    await isAsked(before + 2);
    expect(mode(x)).toBe('full_stop: STALE');
    asked[before + 1]?.answer();
    await turns();
    expect(mode(x)).toBe('live');
  });

  test('after a question that fails while the lease is found over another one is sent at once, and only one', async () => {
    const { x, clock, asked, hold, isAsked } = await held();
    const before = asked.length;
    hold();
    x.report();
    await isAsked(before + 1);
    clock.stepWall(3_600_000);
    asked[before]?.fail();
    await isAsked(before + 2);
    asked[before + 1]?.fail();
    await turns();
    for (let look = 0; look < 100; look += 1) expect(mode(x)).toBe('full_stop: STORE_UNREACHABLE');
    await turns();
    expect(asked).toHaveLength(before + 2);
  });
});

describe('a replica behind a hop', () => {
  /** A store whose answers have this age, and another nonce where they are answers to another request. */
  async function behind(says: { ageMs?: number; nonce?: string }) {
    const clock = fakeClock({ wall: 5_000_000 });
    const memory = new Memory({ clock: () => ({ mono: 0, wall: Date.UTC(2026, 0, 1) + clock().mono }) });
    const { store } = await openReplicas({ memory });
    const open: ExecutorStore['open'] = (scope) => {
      const connection = store.open(scope);
      return {
        ...connection,
        confirm: async (beat, nonce) => ({ ...(await connection.confirm(beat, nonce)), ...says }),
      };
    };
    const { replica: x } = connectExecutor({
      store: { location: 'memory:', side: 'executor', nearby: null, loadPackages: null, open },
      organizationId: 'default',
      leaseMs: 60_000,
      clock,
    });
    onTestFinished(() => x.close());
    await x.start();
    return { x, clock };
  }

  test('lease, permit and staleness count from when the hop asked the store', async () => {
    const { x, clock } = await behind({ ageMs: 20_000 });
    expect(mode(x)).toBe('live');
    expect([x.stalenessMs(), x.confirmedAt()]).toEqual([20_000, 5_000_000 - 20_000]);
    expect(isFresh(await x.confirmNow(250), clock())).toBe(false);
    clock.pass(40_000);
    expect(mode(x)).toBe('full_stop: STALE');
  });

  test.each(['stepMono', 'stepWall'] as const)(
    'a permit is fresh until 250 ms after the hop had asked (%s)',
    async (step) => {
      const { x, clock } = await behind({ ageMs: 200 });
      const outcome = await x.confirmNow(250);
      clock[step](49);
      expect(isFresh(outcome, clock())).toBe(true);
      clock[step](1);
      expect(isFresh(outcome, clock())).toBe(false);
    },
  );

  test('an answer to another request gives no lease', async () => {
    const { x } = await behind({ nonce: 'another' });
    expect(mode(x)).toBe('full_stop: STALE');
    expect(x.storeNow()).toBeNull();
  });

  test('an invalid age is a fault', async () => {
    const { x } = await behind({ ageMs: Number.NaN });
    expect(mode(x)).toBe('full_stop: INTERNAL');
  });

  test('what it says changes with the time alone while a rule asks for it, or has a window', async () => {
    const { replica, control } = await openReplicas();
    const x = replica('x', 60_000);
    expect(x.changesAt(0)).toBeNull();
    await x.start();
    expect(x.changesAt(0)).toBeNull();
    const targeting = { if: [{ '<': [{ var: '$flagd.timestamp' }, 1] }, 'paused', 'live'] };
    await control.setMode({ mode: 'full_stop', targeting, reason: 'a window' });
    await vi.waitFor(() => expect(x.changesAt(1500)).toBe(2000));
    await control.setMode({ mode: 'full_stop' });
    await vi.waitFor(() => expect(x.changesAt(1500)).toBeNull());
    await control.addRule({ name: 'r', target: 'all', mode: 'paused', from: '2100-01-01T00:00:00Z' });
    await vi.waitFor(() => expect(x.changesAt(1500)).toBe(Date.UTC(2100, 0, 1)));
  });

  test('the time is the store’s, whatever this machine’s clock is set to', async () => {
    const { x, clock } = await behind({});
    expect(x.storeNow()).toBe(Date.UTC(2026, 0, 1));
    clock.pass(1500);
    clock.stepWall(1000);
    expect(x.storeNow()).toBe(Date.UTC(2026, 0, 1) + 1500);
  });
});
