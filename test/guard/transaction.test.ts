import { describe, expect, test, vi } from 'vitest';
import { openMemorySwitch } from './open-switch.ts';

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
