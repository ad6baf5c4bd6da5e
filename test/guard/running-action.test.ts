import { expect, test, vi } from 'vitest';
import type { Intervention } from '../../flags/index.ts';
import { ResultPart } from '../../guard/result-part.ts';
import { RunningAction } from '../../guard/running-action.ts';
import type { Step } from '../../guard/steps/index.ts';
import { attemptOnce, bareGuard, HandSwitch } from './bare-guard.ts';

/** An action that has returned, and a part of its result, which has not begun. */
async function landed(signal?: AbortSignal) {
  const hand = new HandSwitch();
  const records: Intervention[] = [];
  const guard = bareGuard({ hand, record: async (more) => void records.push(...more) });
  const made: Array<RunningAction<string, unknown>> = [];
  const start: Step = {
    name: 'start',
    isFor: () => true,
    take(attempt) {
      const running = new RunningAction(attempt, attempt.look());
      made.push(running as unknown as RunningAction<string, unknown>);
      attempt.start();
      guard.inFlight.start(running);
      return running.landed('it' as never);
    },
  };
  const steps = (all: readonly Step[]) => all.map((step) => (step.name === 'start' ? start : step));
  await attemptOnce(guard, { name: 'a.b', execute: () => 'it' }, { input: 'it', steps, signal });
  const [running] = made;
  if (!running) throw new Error('It has not started.');
  const end = vi.fn<() => () => void>(() => () => {});
  const recorded = async () => {
    await guard.interventions.close();
    return records.map(({ status, state }) => ({ status, state }));
  };
  return { hand, running, part: new ResultPart(guard, running, end), end, recorded };
}

test('a result that is begun again after its end is in flight again, and is stopped, signal and all', async () => {
  const { hand, running, part, end } = await landed();
  const { signal } = running.work;
  expect(hand.inFlight.count).toBe(0);
  running.partGoesOn(part);
  expect(hand.inFlight.count).toBe(1);
  hand.mode = 'full_stop';
  hand.changed();
  expect([signal.reason, end.mock.calls.length]).toMatchObject([{ mode: 'full_stop', verdict: 'block' }, 1]);
});

test('it is in flight until the last of its parts has ended, and is recorded once as aborted where it was stopped', async () => {
  const { hand, running, part, recorded } = await landed();
  const other = new ResultPart(bareGuard({ hand }), running, () => () => {});
  running.partGoesOn(part);
  running.partGoesOn(other);
  hand.mode = 'full_stop';
  hand.changed();
  running.partEnded(part);
  expect(hand.inFlight.count).toBe(1);
  running.partEnded(other);
  running.partEnded(other);
  expect(hand.inFlight.count).toBe(0);
  running.partGoesOn(part);
  running.partEnded(part);
  expect(await recorded()).toEqual([{ status: 'aborted', state: 'landed' }]);
});

test('it leaves no record where nothing has stopped it', async () => {
  const { running, part, recorded } = await landed();
  running.partGoesOn(part);
  running.partEnded(part);
  expect(await recorded()).toEqual([]);
});

test('it is active only while a step of one of its parts is under way', async () => {
  const { running, part } = await landed();
  running.partGoesOn(part);
  expect(running.isActive()).toBe(false);
  part.begin();
  expect(running.isActive()).toBe(true);
  part.rest();
  expect(running.isActive()).toBe(false);
});

test('what it returned ends before its signal fires; what is left to do for that comes after the signal', async () => {
  const { hand, running, part, end } = await landed();
  const order: string[] = [];
  end.mockImplementation(() => {
    order.push('ended');
    return () => order.push('after');
  });
  running.work.signal.addEventListener('abort', () => order.push('signal'));
  running.partGoesOn(part);
  hand.mode = 'full_stop';
  hand.changed();
  expect(order).toEqual(['ended', 'signal', 'after']);
});

test('a caller’s signal that fires in a stop, before anybody has heard of it, comes after the stop', async () => {
  const outer = new AbortController();
  const { hand, running, part, end } = await landed(outer.signal);
  running.partGoesOn(part);
  const { signal } = running.work;
  end.mockImplementation(() => {
    expect(signal.aborted).toBe(false);
    return () => {};
  });
  hand.mode = 'full_stop';
  outer.abort('by the caller');
  expect(end).toHaveBeenCalledTimes(1);
  expect(signal.reason).toMatchObject({ verdict: 'block', mode: 'full_stop' });
  expect(Object.isFrozen(signal.reason)).toBe(true);
});

test('a caller’s signal that fires where nothing must stop is passed on, and ends nothing of ours', async () => {
  const outer = new AbortController();
  const { running, part, end } = await landed(outer.signal);
  running.partGoesOn(part);
  const { signal } = running.work;
  outer.abort('by the caller');
  expect(signal.reason).toBe('by the caller');
  expect([end.mock.calls.length, running.work.stoppedBy]).toEqual([0, undefined]);
});
