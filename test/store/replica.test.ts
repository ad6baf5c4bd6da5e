import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { connectExecutor } from '../../store/connect-executor.ts';
import { NO_WORK } from '../../store/own-beat.ts';
import { mode, next, openReplicas } from './open-replicas.ts';

describe('a replica', () => {
  test('is not ready before its first confirmation, and live after it', async () => {
    const { replica } = await openReplicas();
    const x = replica();
    expect(mode(x)).toBe('full_stop: NOT_READY');
    await x.start();
    expect(mode(x)).toBe('live');
  });

  test('sees a kill by push, and a revive by the confirmation that the push asks for', async () => {
    const { replica, control } = await openReplicas();
    const x = replica('x', 60_000);
    await x.start();
    const killed = next(x, 'changed');
    await control.kill({ target: 'agent:x' });
    expect((await killed).keys).toEqual(['kill:agent:x']);
    expect(mode(x)).toBe('full_stop');
    expect(mode(x, 'y')).toBe('live');
    const revived = next(x, 'changed');
    await control.revive({ target: 'agent:x', reason: 'fixed' });
    await revived;
    expect(mode(x)).toBe('live');
  });

  test('is not initialised until an operator initialises the store, and then goes live by itself', async () => {
    const { replica, control } = await openReplicas({ initialise: false });
    const x = replica();
    await x.start();
    expect(mode(x)).toBe('full_stop: NOT_INITIALISED');
    expect(x.fault()?.message).toContain('there is no control plane in memory:');
    const ready = next(x, 'ready');
    await control.init();
    await ready;
    expect(mode(x)).toBe('draft_only');
  });

  test.each([
    ['unreachable', 'STORE_UNREACHABLE'],
    ['hang', 'STORE_UNREACHABLE'],
    ['read-only', 'STORE_READ_ONLY'],
    ['corrupt', 'STORE_CORRUPT'],
  ] as const)(
    'a store that is %s stops it at the end of the lease with %s, and it goes on by itself afterwards',
    async (fault, code) => {
      const { replica, memory } = await openReplicas();
      const x = replica();
      await x.start();
      const stale = next(x, 'stale');
      const stopped = next(x, 'fault');
      memory.fault = fault;
      await stale;
      expect(mode(x)).toBe('live'); // the last good state, while its lease lasts
      expect((await stopped).fault.code).toBe(code);
      expect(mode(x)).toBe(`full_stop: ${code}`);
      const ready = next(x, 'ready');
      memory.fault = null;
      await ready;
      expect(mode(x)).toBe('live');
    },
  );

  test('stops everywhere when the store is wiped, until an operator recovers it', async () => {
    const { replica, memory, control } = await openReplicas();
    const [x, y] = [replica('x'), replica('y')];
    await Promise.all([x.start(), y.start()]);
    const stopped = Promise.all([next(x, 'fault'), next(y, 'fault')]);
    memory.wipe();
    for (const { fault } of await stopped) expect(fault.code).toBe('GENERATION_CHANGED');
    await expect(control.init()).rejects.toMatchObject({ code: 'RECOVER_REQUIRED' });
    await expect(control.kill({ target: 'all' })).rejects.toMatchObject({ code: 'NOT_INITIALISED' });
    const ready = Promise.all([next(x, 'ready'), next(y, 'ready')]);
    const before = x.epoch;
    const { given_up } = await control.recover({ reason: 'the disk died' });
    expect(given_up.length).toBeGreaterThan(0);
    await ready;
    expect(mode(x)).toBe('draft_only');
    expect(x.epoch).toBeGreaterThan(before);
  });

  test('an executor that never saw the lost kill learns of it from one that did', async () => {
    const { replica, memory, control } = await openReplicas();
    const [x, y] = [replica('x'), replica('y')];
    const backup = memory.copy();
    await x.start();
    const seen = next(x, 'changed');
    await control.kill({ target: 'agent:z' });
    await seen;
    memory.restore(backup);
    const stopped = next(x, 'fault');
    await stopped;
    await y.start();
    await vi.waitFor(() => expect(mode(y)).toBe('full_stop: GENERATION_CHANGED'));
    expect((await control.status()).forks).toHaveLength(1);
    const ready = Promise.all([next(x, 'ready'), next(y, 'ready')]);
    await control.recover({ reason: 'restored on purpose' });
    await ready;
    expect(mode(y)).toBe('live');
  });

  test('a restarted executor recognises a restored backup by its anchor', async () => {
    const { replica, memory, control } = await openReplicas();
    const backup = memory.copy();
    const x = replica('x');
    await x.start();
    await control.kill({ target: 'agent:x' });
    await vi.waitFor(() => expect(mode(x)).toBe('full_stop'));
    await x.close();
    memory.restore(backup);
    const again = replica('x');
    await again.start();
    expect(mode(again)).toBe('full_stop: GENERATION_CHANGED');
    expect(mode(again, 'anybody')).toBe('full_stop: GENERATION_CHANGED');
  });

  test('leaves the count when it is closed, and blocks for good', async () => {
    const { replica, control } = await openReplicas();
    const x = replica();
    await x.start();
    expect((await control.status()).executors).toHaveLength(1);
    await x.close();
    expect((await control.status()).executors).toHaveLength(0);
    expect(mode(x)).toBe('full_stop: CLOSED');
  });

  test('reports its work in flight, and a kill shows which executors have stopped and which drain', async () => {
    const { store, control } = await openReplicas();
    let inFlight = 2;
    const { replica: x } = connectExecutor({
      store,
      organizationId: 'default',
      leaseMs: 500,
      executorName: 'x',
      work: () => ({ ...NO_WORK, inFlight, draining: inFlight, agents: ['a'] }),
    });
    onTestFinished(() => x.close());
    await x.start();
    // A hundred looks: it confirms 5 to 25 ms after the kill.
    const { acknowledgements } = await control.kill({ target: 'all', waitMs: 5000 });
    expect(acknowledgements).toMatchObject({ total: 1, applied: 1, drained: 0 });
    expect(acknowledgements.executors[0]).toMatchObject({ name: 'x', state: 'draining', in_flight: 2 });
    inFlight = 0;
    const after = await control.kill({ target: 'all', waitMs: 2000 });
    expect(after).toMatchObject({ already: true, acknowledgements: { drained: 1 } });
  });

  test('a lost answer to an append neither loses the kill nor records it twice', async () => {
    const { memory, control } = await openReplicas();
    memory.fault = 'lost-reply';
    const killing = control.kill({ target: 'agent:x' });
    await vi.waitFor(() => expect(memory.organization('default').events).toHaveLength(3));
    memory.fault = null;
    const { epoch, already } = await killing;
    expect({ epoch, already }).toEqual({ epoch: 3, already: false });
    expect(memory.organization('default').events).toHaveLength(3);
    expect(await control.verifyLog()).toMatchObject({ ok: true, events: 3 });
  });

  test('the end of a kill is an event, appended by an operating process and not by reading', async () => {
    const { replica, control, operating } = await openReplicas();
    const x = replica('x', 60_000);
    await x.start();
    await control.kill({ target: 'agent:x', expiresAt: new Date(Date.now() + 400) });
    await vi.waitFor(() => expect(mode(x)).toBe('full_stop'));
    await vi.waitFor(async () => expect((await control.kills()).data).toMatchObject([{ overdue: true }]), {
      interval: 50,
    });
    expect((await control.status()).active_kills).toBe(1);
    await operating();
    await vi.waitFor(() => expect(mode(x)).toBe('live'), { timeout: 10_000 });
    const types = [];
    for await (const { type } of control.log()) types.push(type);
    expect(types).toEqual(['init', 'mode', 'kill', 'expire']);
  });

  test.each([499, 60_001, Number.NaN, Number.POSITIVE_INFINITY])('refuses a lease of %s ms', async (leaseMs) => {
    const { replica } = await openReplicas();
    expect(() => replica('x', leaseMs)).toThrow(/leaseMs must be from 500 to 60000/);
  });
});
