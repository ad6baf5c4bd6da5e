import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LONGEST_TIMER_MS } from '../../flags/index.ts';
import { Changes, untilChange } from '../../guard/changes.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const WITHOUT_END = Number.POSITIVE_INFINITY;

/** Waits, and says whether it is over. */
function waiting(changes: Changes, ms: number, signal?: AbortSignal): () => Promise<boolean> {
  let isOver = false;
  void untilChange(changes, ms, signal).then(() => {
    isOver = true;
  });
  return async () => {
    await vi.advanceTimersByTimeAsync(0);
    return isOver;
  };
}

describe('the next change', () => {
  test('wakes all who wait, however they wait, and nobody who comes after it', async () => {
    const changes = new Changes();
    const { signal } = new AbortController();
    const waits = [
      waiting(changes, WITHOUT_END),
      waiting(changes, 5000),
      waiting(changes, WITHOUT_END, signal),
      waiting(changes, LONGEST_TIMER_MS + 1),
    ];
    const over = () => Promise.all(waits.map((isOver) => isOver()));
    expect(await over()).toEqual([false, false, false, false]);
    changes.notify();
    const after = waiting(changes, WITHOUT_END);
    expect(await over()).toEqual([true, true, true, true]);
    expect(await after()).toBe(false);
    changes.notify();
    expect(await after()).toBe(true);
  });

  test('is waited for as long as was asked, not longer', async () => {
    const changes = new Changes();
    const [some, none, negative] = [waiting(changes, 500), waiting(changes, 0), waiting(changes, -5)];
    await vi.advanceTimersByTimeAsync(1);
    expect([await none(), await negative()]).toEqual([true, true]);
    await vi.advanceTimersByTimeAsync(498);
    expect(await some()).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await some()).toBe(true);
  });

  test('is waited for longer than a timer can last by no timer: Node would let that fire at once', async () => {
    const timer = vi.spyOn(globalThis, 'setTimeout');
    const changes = new Changes();
    const tooLong = waiting(changes, LONGEST_TIMER_MS + 1);
    expect(timer).not.toHaveBeenCalled();
    const longest = waiting(changes, LONGEST_TIMER_MS);
    expect(timer).toHaveBeenCalledTimes(1);
    changes.notify();
    expect([await tooLong(), await longest()]).toEqual([true, true]);
  });

  test('is waited for until the signal fires; nothing of a wait that is over is left behind', async () => {
    const changes = new Changes();
    const controller = new AbortController();
    const waits = [waiting(changes, WITHOUT_END, controller.signal), waiting(changes, 5000, controller.signal)];
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    expect(vi.getTimerCount()).toBeGreaterThan(0);
    controller.abort();
    expect(await Promise.all(waits.map((isOver) => isOver()))).toEqual([true, true]);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
    expect(await waiting(changes, WITHOUT_END, controller.signal)()).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    const other = new AbortController();
    const changed = waiting(changes, 5000, other.signal);
    changes.notify();
    expect(await changed()).toBe(true);
    expect([getEventListeners(other.signal, 'abort'), vi.getTimerCount()]).toEqual([[], 0]);
  });

  test('calls nobody who has waited long enough before it came', async () => {
    const changes = new Changes();
    const once = vi.spyOn(changes, 'once');
    const timed = waiting(changes, 10);
    const wake = vi.fn();
    const unsubscribe = changes.once(wake);
    unsubscribe();
    await vi.advanceTimersByTimeAsync(10);
    expect(await timed()).toBe(true);
    expect(once.mock.results[0]?.value()).toBe(false); // it has been unsubscribed
    changes.notify();
    expect(wake).not.toHaveBeenCalled();
  });
});

test('the process is kept alive from the first who waits until the last has ended, by one timer', () => {
  const changes = new Changes();
  expect(changes.isEmpty).toBe(true);
  changes.hold();
  changes.hold();
  expect(vi.getTimerCount()).toBe(1);
  changes.letGo();
  expect([vi.getTimerCount(), changes.isEmpty]).toEqual([1, false]);
  changes.letGo();
  expect([vi.getTimerCount(), changes.isEmpty]).toEqual([0, true]);
  changes.hold();
  expect(vi.getTimerCount()).toBe(1);
});
