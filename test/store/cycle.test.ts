import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Cycle } from '../../store/cycle.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A cycle whose questions are counted; the test may hold and answer them. */
function open(leaseMs = 6000) {
  const answers: Array<(hasAnswered: boolean) => void> = [];
  let asked = 0;
  let held = false;
  let whileAsked = (): void => {};
  const cycle = new Cycle({
    leaseMs,
    ask: async () => {
      asked += 1;
      whileAsked();
      return held ? new Promise((resolve) => answers.push(resolve)) : true;
    },
  });
  return {
    cycle,
    asked: () => asked,
    hold: (): void => {
      held = true;
    },
    meanwhile: (work: () => void): void => {
      whileAsked = work;
    },
    async answer(hasAnswered = true): Promise<void> {
      answers.shift()?.(hasAnswered);
      await vi.advanceTimersByTimeAsync(0);
    },
  };
}

describe('a store is asked', () => {
  test('every third of the lease', async () => {
    const { cycle, asked } = open();
    await cycle.run();
    expect(asked()).toBe(1);
    await vi.advanceTimersByTimeAsync(1999);
    expect(asked()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked()).toBe(2);
  });

  test.each([
    [500, 50],
    [2000, 200],
    [60_000, 500],
  ])('sooner where it did not answer: with a lease of %i ms after %i ms', async (leaseMs, waitMs) => {
    const { cycle, asked, hold, answer } = open(leaseMs);
    hold();
    void cycle.run();
    await answer(false);
    await vi.advanceTimersByTimeAsync(waitMs - 1);
    expect(asked()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked()).toBe(2);
  });

  test('one question at a time; anything new meanwhile causes one more, at once', async () => {
    const { cycle, asked, hold, answer } = open();
    hold();
    void cycle.run();
    cycle.wake();
    cycle.wake();
    void cycle.run();
    expect(asked()).toBe(1);
    await answer();
    expect(asked()).toBe(2);
    await answer();
    expect(asked()).toBe(2);
  });

  test.each([...Array(8).keys()])('once more when something new comes %i microtasks after an answer', async (later) => {
    const { cycle, asked, hold, answer } = open();
    hold();
    void cycle.run();
    const answered = answer();
    for (let count = 0; count < later; count += 1) await Promise.resolve();
    cycle.wake();
    await answered;
    expect(asked()).toBe(2);
  });

  test('after a failure not at once, even if there is something new; but at once if the lease was found over meanwhile', async () => {
    const { cycle, asked, hold, answer } = open();
    hold();
    void cycle.run();
    cycle.wake();
    await answer(false);
    expect(asked()).toBe(1);
    await vi.advanceTimersByTimeAsync(500);
    expect(asked()).toBe(2);
    cycle.leaseHasEnded();
    await answer(false);
    expect(asked()).toBe(3);
  });

  test('ten times at most without a pause', async () => {
    const { cycle, asked, meanwhile } = open();
    meanwhile(() => cycle.leaseHasEnded());
    await cycle.run();
    expect(asked()).toBe(10);
    meanwhile(() => {});
    await vi.advanceTimersByTimeAsync(1);
    expect(asked()).toBeLessThanOrEqual(11); // one may follow the last lease that was over
    const before = asked();
    await vi.advanceTimersByTimeAsync(1990);
    expect(asked()).toBe(before);
  });

  test('a moment after pushes, once for all of them', async () => {
    const { cycle, asked } = open();
    cycle.wakeSoon();
    cycle.wakeSoon();
    await vi.advanceTimersByTimeAsync(4);
    expect(asked()).toBe(0);
    await vi.advanceTimersByTimeAsync(21);
    expect(asked()).toBe(1);
  });

  test('never after close, which waits for the question under way', async () => {
    const { cycle, asked, hold, answer } = open();
    hold();
    cycle.leaseHasEnded();
    cycle.wakeSoon();
    void cycle.run();
    cycle.wake();
    let isClosed = false;
    const closing = cycle.close().then(() => {
      isClosed = true;
    });
    await vi.advanceTimersByTimeAsync(0);
    expect(isClosed).toBe(false);
    await answer();
    await closing;
    cycle.wake();
    cycle.wakeSoon();
    cycle.leaseHasEnded();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked()).toBe(1);
  });
});
