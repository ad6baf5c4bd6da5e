import { describe, expect, test, vi } from 'vitest';
import type { ControlPlane } from '../../operator/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { openHeld } from './holding.ts';
import { openMemorySwitch, openSwitch } from './open-switch.ts';

/** A database with one table, as far as a transaction needs one: what is not committed is not there. */
function database({ commit = async () => {} }: { commit?: () => Promise<void> } = {}) {
  const rows: string[] = [];
  const ends: string[] = [];
  const begin = vi.fn(async () => {
    const own: string[] = [];
    return {
      insert: (row: string) => void own.push(row),
      async commit() {
        ends.push('commit');
        await commit();
        rows.push(...own);
      },
      async rollback() {
        ends.push('rollback');
      },
    };
  });
  return { rows, ends, begin };
}

/** A switch whose store pushes nothing: it hears of several changes at once, with its next confirmation. */
async function openWithoutPushes() {
  const store = memoryStore();
  const silent = { ...store, open: (...given: Parameters<typeof store.open>) => withoutPushes(store.open(...given)) };
  const sides = { store: silent, controlStore: memoryControlStore(store) };
  const { control, killSwitch } = await openSwitch(sides, { agentId: 'x', leaseMs: 1000 });
  const { epoch } = await control.status();
  await vi.waitUntil(() => killSwitch.check().epoch >= epoch);
  const killAndRevive = async (by: ControlPlane, target: string, mode: 'paused' | 'full_stop'): Promise<void> => {
    await by.kill({ target, mode, waitMs: 0 });
    const revived = await by.revive({ target, reason: 'oops' });
    await vi.waitUntil(() => killSwitch.check().epoch >= revived.epoch);
  };
  return { killSwitch, control, killAndRevive };
}

const withoutPushes = <T extends object>(connection: T): T => ({ ...connection, follow: () => () => {} });

describe('a transaction', () => {
  test('is committed where its work ends well', async () => {
    const { killSwitch } = await openMemorySwitch({ agentId: 'x' });
    const { begin, rows, ends } = database();
    const result = await killSwitch.transaction(begin, async (tx) => {
      tx.insert('a');
      return 7;
    });
    expect([result, rows, ends]).toEqual([7, ['a'], ['commit']]);
  });

  test('is rolled back where its work throws, which is rethrown', async () => {
    const { killSwitch } = await openMemorySwitch({ agentId: 'x' });
    const { begin, rows, ends } = database();
    const error = new Error('no such order');
    await expect(killSwitch.transaction(begin, () => Promise.reject(error))).rejects.toBe(error);
    expect([rows, ends]).toEqual([[], ['rollback']]);
  });

  test.each(['full_stop', 'paused', 'draft_only'] as const)('does not begin in %s', async (mode) => {
    const { killSwitch } = await openMemorySwitch({ agentId: 'x', mode });
    const { begin } = database();
    await expect(killSwitch.transaction(begin, () => {})).rejects.toMatchObject({ code: 'BLOCKED' });
    expect(begin).not.toHaveBeenCalled();
  });

  test.each(['full_stop', 'paused'] as const)('is rolled back where it comes to %s meanwhile', async (mode) => {
    const { killSwitch, control } = await openMemorySwitch({ agentId: 'x' });
    const { begin, rows, ends } = database();
    const stopped = killSwitch.run({ runId: 'r' }, () =>
      killSwitch.transaction(begin, async (tx) => {
        tx.insert('a');
        const kill = control.kill({ target: 'run:r', mode, waitMs: 3000 });
        await vi.waitUntil(() => killSwitch.check({ agentId: 'x', runId: 'r' }).mode === mode);
        void kill;
      }),
    );
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED', decision: { cause: { kind: 'kill' } } });
    expect([rows, ends]).toEqual([[], ['rollback']]);
  });

  test('is rolled back also where the stop was lifted again meanwhile, and its signal has fired', async () => {
    const { killSwitch, control } = await openMemorySwitch({ agentId: 'x' });
    const { begin, ends } = database();
    let signal: AbortSignal | undefined;
    const stopped = killSwitch.transaction(begin, async (_tx, context) => {
      signal = context.signal;
      await control.kill({ target: 'agent:x' });
      await vi.waitUntil(() => killSwitch.check().mode === 'full_stop');
      await control.revive({ target: 'agent:x', reason: 'oops' });
      await vi.waitUntil(() => killSwitch.check().mode === 'live');
    });
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
    expect([signal?.aborted, ends]).toEqual([true, ['rollback']]);
  });

  test.each(['of its agent', 'of everything'])(
    'is rolled back also where a pause %s was lifted again meanwhile',
    async (of) => {
      const { killSwitch, control } = await openMemorySwitch({ agentId: 'x' });
      const { begin, rows, ends } = database();
      const stopped = killSwitch.transaction(begin, async (tx) => {
        tx.insert('a');
        if (of === 'of its agent') await control.kill({ target: 'agent:x', mode: 'paused', waitMs: 0 });
        else await control.setMode({ mode: 'paused' });
        await vi.waitUntil(() => killSwitch.check().mode === 'paused');
        if (of === 'of its agent') await control.revive({ target: 'agent:x', reason: 'oops' });
        else await control.setMode({ mode: 'live', reason: 'oops' });
        await vi.waitUntil(() => killSwitch.check().mode === 'live');
      });
      await expect(stopped).rejects.toMatchObject({ code: 'ABORTED', decision: { mode: 'paused' } });
      expect([rows, ends]).toEqual([[], ['rollback']]);
    },
  );

  test.each([
    ['paused', 'agent:x', true],
    ['full_stop', 'agent:x', true],
    ['full_stop', 'agent:y', false],
  ] as const)(
    'is rolled back where %s of %s has come and gone before it was heard of: %s',
    async (mode, target, isStopped) => {
      const { killSwitch, control, killAndRevive } = await openWithoutPushes();
      const { begin, ends } = database();
      const done = killSwitch.transaction(begin, () => killAndRevive(control, target, mode));
      if (isStopped)
        await expect(done).rejects.toMatchObject({
          code: 'ABORTED',
          decision: { mode, cause: { kind: 'kill' } },
        });
      else await done;
      expect(ends).toEqual([isStopped ? 'rollback' : 'commit']);
    },
  );

  test('is waited for by a stop that hits it, until it is rolled back', async () => {
    const { killSwitch, control } = await openMemorySwitch({ agentId: 'x' });
    const { begin, ends } = database();
    const heard: unknown[] = [];
    await killSwitch
      .transaction(begin, async () => {
        const stopped = control.kill({ target: 'agent:x', waitMs: 60_000 });
        void stopped.then(() => heard.push([...ends]));
        await vi.waitUntil(async () => (await control.executors()).data.some(({ draining }) => draining > 0));
      })
      .catch(() => {});
    await vi.waitUntil(() => heard.length > 0);
    expect(heard).toEqual([['rollback']]);
  });

  test('of which the commit fails says so', async () => {
    const { killSwitch } = await openMemorySwitch({ agentId: 'x' });
    const error = new Error('could not serialize access');
    const { begin, rows, ends } = database({ commit: () => Promise.reject(error) });
    await expect(killSwitch.transaction(begin, (tx) => tx.insert('a'))).rejects.toBe(error);
    expect([rows, ends]).toEqual([[], ['commit', 'rollback']]);
  });

  test('needs an agent, and a transaction', async () => {
    const { killSwitch } = await openMemorySwitch();
    const { begin } = database();
    await expect(killSwitch.transaction(begin, () => {})).rejects.toMatchObject({ code: 'BLOCKED' });
    const odd: unknown[] = [
      [null, () => {}],
      [begin, 7],
      [() => ({ commit() {} }), () => {}],
    ];
    await killSwitch.run({ agentId: 'x' }, async () => {
      for (const [first, second] of odd as [never, never][])
        await expect(killSwitch.transaction(first, second)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    });
  });
});

describe('a transaction of a call that was let through', () => {
  /** A call that people have approved; `work` is what it executes. */
  async function approved(work: (killSwitch: Held['killSwitch'], control: Held['control']) => Promise<unknown>) {
    const held: Held = await openHeld({ execute: async () => String(await work(held.killSwitch, held.control)) });
    const call = held.killSwitch.run({ runId: 'r' }, () => held.refund.attempt({ cents: 5 }, { waitMs: 60_000 }));
    await held.control.approve({ id: await held.oneWaiting() });
    return { ...held, call };
  }
  type Held = Awaited<ReturnType<typeof openHeld>>;

  test('begins and is committed where people have approved the call, and nowhere beside it', async () => {
    const { begin, rows } = database();
    const { call, killSwitch } = await approved((inside) => inside.transaction(begin, (tx) => tx.insert('a')));
    expect(await call).toMatchObject({ status: 'executed' });
    expect(rows).toEqual(['a']);
    const beside = killSwitch.run({ runId: 'r' }, () => killSwitch.transaction(begin, (tx) => tx.insert('b')));
    await expect(beside).rejects.toMatchObject({ code: 'BLOCKED', decision: { verdict: 'hold' } });
    expect(rows).toEqual(['a']);
  });

  test('is rolled back where the call is stopped, also where that was lifted again', async () => {
    for (const lifted of [false, true]) {
      const { begin, rows, ends } = database();
      const { call } = await approved((inside, control) =>
        inside.transaction(begin, async (tx) => {
          tx.insert('a');
          await control.kill({ target: 'action:payments.refund' });
          await vi.waitUntil(() => inside.check({ action: 'payments.refund' }).verdict === 'block');
          if (!lifted) return;
          await control.revive({ target: 'action:payments.refund', reason: 'oops' });
          await vi.waitUntil(() => inside.check({ action: 'payments.refund' }).verdict === 'hold');
        }),
      );
      expect(await call).toMatchObject({ status: 'aborted', landed: 'unknown' });
      expect([rows, ends]).toEqual([[], ['rollback']]);
    }
  });

  test('does not begin once the call was stopped', async () => {
    const { begin } = database();
    const { call } = await approved(async (inside, control) => {
      await control.kill({ target: 'action:payments.refund' });
      await vi.waitUntil(() => inside.check({ action: 'payments.refund' }).verdict === 'block');
      await control.revive({ target: 'action:payments.refund', reason: 'oops' });
      await vi.waitUntil(() => inside.check({ action: 'payments.refund' }).verdict === 'hold');
      await inside.transaction(begin, (tx) => tx.insert('a'));
    });
    expect(await call).toMatchObject({ status: 'aborted' });
    expect(begin).not.toHaveBeenCalled();
  });

  test('is rolled back by a pause, and committed where nobody has to approve any more', async () => {
    for (const mode of ['paused', 'live'] as const) {
      const { begin, rows } = database();
      const { call } = await approved((inside, control) =>
        inside.transaction(begin, async (tx) => {
          tx.insert(mode);
          await control.setMode({ mode, reason: 'test' });
          await vi.waitUntil(() => inside.check().mode === mode);
        }),
      );
      if (mode === 'live') expect(await call).toMatchObject({ status: 'executed' });
      else await expect(call).rejects.toMatchObject({ code: 'ABORTED' });
      expect(rows).toEqual(mode === 'live' ? ['live'] : []);
    }
  });

  test('is not committed when the call has returned before it', async () => {
    const { begin, rows, ends } = database();
    let goOn = (): void => {};
    const left: Promise<unknown>[] = [];
    const { call } = await approved(async (inside) => {
      const open = inside.transaction(begin, async (tx) => {
        tx.insert('a');
        await new Promise<void>((resolve) => void (goOn = resolve));
      });
      left.push(open.catch((error: unknown) => error));
      await vi.waitUntil(() => begin.mock.calls.length > 0);
    });
    expect(await call).toMatchObject({ status: 'executed' });
    goOn();
    expect(await left[0]).toMatchObject({ code: 'ABORTED', decision: { verdict: 'hold' } });
    expect([rows, ends]).toEqual([[], ['rollback']]);
  });

  test('is nothing that a run inside the call may have: nobody has approved what that does', async () => {
    const { begin } = database();
    const { call } = await approved((inside) =>
      inside.run({ agentId: 'other' }, () => inside.transaction(begin, (tx) => tx.insert('a'))),
    );
    await expect(call).rejects.toMatchObject({ code: 'BLOCKED' });
    expect(begin).not.toHaveBeenCalled();
  });

  test('begins and is committed where a rollback undoes something by it, under the stop', async () => {
    const { killSwitch, control } = await openMemorySwitch({ agentId: 'x' });
    const { begin, rows } = database();
    const book = killSwitch.action({
      name: 'orders.book',
      reverse: { action: 'orders.unbook', input: (of) => of },
      execute: async (of: string) => of,
    });
    killSwitch.action({
      name: 'orders.unbook',
      execute: (of: string) => killSwitch.transaction(begin, (tx) => tx.insert(`-${of}`)),
    });
    await killSwitch.run({ runId: 'r' }, () => book('a', { idempotencyKey: 'k' }));
    const { actions } = await control.rollback({ run: 'r', reason: 'test', waitMs: 5000 });
    expect(actions).toMatchObject([{ idempotency_key: 'k', outcome: 'reversed' }]);
    expect(rows).toEqual(['-a']);
    const after = killSwitch.run({ runId: 'r' }, () => killSwitch.transaction(begin, () => {}));
    await expect(after).rejects.toMatchObject({ code: 'BLOCKED' });
  });
});
