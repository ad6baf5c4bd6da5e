import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Mode } from '../../flags/index.ts';
import { Changes } from '../../guard/changes.ts';
import { Deadlines } from '../../guard/evaluate.ts';
import { decideAndWait, mayHaveChanged, type Wait } from '../../guard/wait.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const subject = { organizationId: 'default', agentId: 'x', effect: 'read' } as const;

/** A switch whose mode the test sets, with a copy of it or none; what it has been asked and what it has counted. */
function open({ mode = 'paused' as Mode, hasStore = true } = {}) {
  const hand = { mode, closed: false, asked: 0 };
  const counted: string[] = [];
  const changes = new Changes();
  const guard = {
    client: {
      async getStringDetails(flagKey: string) {
        hand.asked += 1;
        return { flagKey, value: hand.mode, variant: hand.mode, flagMetadata: {} };
      },
    },
    deadlines: new Deadlines(),
    sourceFault: () => null,
    isClosed: () => hand.closed,
    replica: hasStore
      ? {
          reading: () => ({ mode: hand.mode, cause: { kind: 'mode' }, epoch: 1 }) as const,
        }
      : null,
    changes,
    metrics: { decided: ({ verdict }: { verdict: string }) => void counted.push(verdict) },
  };
  const become = async (next: Mode): Promise<void> => {
    hand.mode = next;
    changes.notify();
    await vi.advanceTimersByTimeAsync(0);
  };
  /** Begins to wait; says what has come of it. */
  const wait = (how: Partial<Wait> = {}) => {
    const came: boolean[] = [];
    void mayHaveChanged(guard, subject, { until: Number.POSITIVE_INFINITY, ...how }).then((it) => came.push(it));
    return came;
  };
  return { hand, guard, counted, changes, become, wait };
}

const soon = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

describe('waiting in a pause', () => {
  test('with a local copy goes on until a change ends the pause, and asks nobody meanwhile', async () => {
    const { hand, become, wait } = open();
    const came = wait();
    await become('paused');
    await vi.advanceTimersByTimeAsync(60_000);
    expect([came, hand.asked]).toEqual([[], 0]);
    await become('read_only');
    expect(came).toEqual([true]);
  });

  test('with a local copy ends also by a stop, or by closing', async () => {
    const stopped = open();
    const byStop = stopped.wait();
    await stopped.become('full_stop');
    expect(byStop).toEqual([true]);
    const closed = open();
    const byClosing = closed.wait();
    closed.hand.closed = true;
    closed.changes.notify();
    await soon();
    expect(byClosing).toEqual([true]);
  });

  test('without a local copy is over with each change and each second: then the source is asked again', async () => {
    const { become, wait } = open({ hasStore: false });
    const byChange = wait();
    await become('paused');
    expect(byChange).toEqual([true]);
    const byTime = wait();
    await vi.advanceTimersByTimeAsync(999);
    expect(byTime).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(byTime).toEqual([true]);
  });

  test.each([true, false])('is over at its deadline (store: %s)', async (hasStore) => {
    const { wait } = open({ hasStore });
    const now = performance.now();
    const [over, none, negative] = [wait({ until: now + 300 }), wait({ until: now }), wait({ until: now - 1 })];
    await soon();
    expect([none, negative]).toEqual([[false], [false]]);
    await vi.advanceTimersByTimeAsync(299);
    expect(over).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    // Without a copy nobody knows yet whether something has changed; whoever asks again comes back, and is told.
    expect(over).toEqual([!hasStore]);
  });

  test('counts changes that do not end the pause against no deadline but its own', async () => {
    const { become, wait } = open();
    const came = wait({ until: performance.now() + 300 });
    await vi.advanceTimersByTimeAsync(200);
    await become('paused');
    await vi.advanceTimersByTimeAsync(99);
    expect(came).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(came).toEqual([false]);
  });

  test('is over when the caller’s signal fires, or has fired', async () => {
    const { wait } = open();
    const controller = new AbortController();
    const came = wait({ signal: controller.signal });
    await soon();
    expect(came).toEqual([]);
    controller.abort();
    await soon();
    expect([came, wait({ signal: controller.signal })]).toEqual([[false], []]);
    const fired = wait({ signal: AbortSignal.abort() });
    await soon();
    expect(fired).toEqual([false]);
  });
});

describe('a checkpoint', () => {
  test.each([true, false])(
    'waits until the pause is over, and tells and counts it once (store: %s)',
    async (hasStore) => {
      const { guard, counted, become } = open({ hasStore });
      const waits: string[] = [];
      let came = '';
      void decideAndWait(guard, subject, ({ verdict }) => void waits.push(verdict)).then(({ mode, verdict }) => {
        came = `${verdict} ${mode}`;
      });
      await soon();
      for (let time = 0; time < 3; time += 1) await become('paused');
      expect([waits, counted, came]).toEqual([['pause'], ['pause'], '']);
      await become('read_only');
      expect([waits, counted, came]).toEqual([['pause'], ['pause', 'allow'], 'allow read_only']);
    },
  );

  test('is counted with the time that its own evaluation took', async () => {
    const { guard } = open({ mode: 'live' });
    const took: number[] = [];
    const { client } = guard;
    const slow = async (flagKey: string) => {
      vi.advanceTimersByTime(300);
      return client.getStringDetails(flagKey);
    };
    vi.advanceTimersByTime(5000);
    const metrics = { decided: (_decision: unknown, ms: number) => void took.push(ms) };
    await decideAndWait({ ...guard, client: { getStringDetails: slow }, metrics }, subject, () => {});
    expect(took).toEqual([expect.closeTo(300, 3)]);
  });

  test('that need not wait is decided once', async () => {
    const { guard, hand, counted } = open({ mode: 'full_stop' });
    const onWait = vi.fn();
    const decision = await decideAndWait(guard, subject, onWait);
    expect([decision.verdict, hand.asked, counted]).toEqual(['block', 1, ['block']]);
    expect(onWait).not.toHaveBeenCalled();
  });
});
