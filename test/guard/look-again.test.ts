import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Fault } from '../../flags/index.ts';
import { Changes } from '../../guard/changes.ts';
import { InFlight } from '../../guard/in-flight.ts';
import { everyMs, isSame, lookAgain, untilNextMs } from '../../guard/look-again.ts';
import { ANY_WORK } from './any-work.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const TAKEN: Fault = { code: 'DOMAIN_TAKEN', message: 'taken' };
const START = Date.UTC(2026, 0, 1) + 250;

test('nothing waits longer than a second, nor than a third of the lease', () => {
  expect([500, 900, 2999, 3000, 5000, 60_000].map(everyMs).map(Math.round)).toEqual([167, 300, 1000, 1000, 1000, 1000]);
});

test('the next look comes when a rule may decide otherwise, if that is sooner', () => {
  expect(untilNextMs(null, 1000)).toBe(1000);
  expect(untilNextMs(null, 166.7)).toBe(167);
  expect(untilNextMs(750, 1000)).toBe(750);
  expect(untilNextMs(750, 300)).toBe(300);
  expect(untilNextMs(0.5, 1000)).toBe(1);
  expect(untilNextMs(86_400_000, 1000)).toBe(1000);
});

test('there is something new when the time of the next change or the fault is another one', () => {
  const seen = { fault: null, next: 1 };
  expect(isSame(seen, { fault: null, next: 1 })).toBe(true);
  expect(isSame(seen, { fault: null, next: 2 })).toBe(false);
  expect(isSame(seen, { fault: null, next: null })).toBe(false);
  expect(isSame(seen, { fault: 'DOMAIN_TAKEN', next: 1 })).toBe(false);
});

/** As where a rule asks for the time, in whole seconds. */
const eachSecond = (now: number): number | null => (Math.floor(now / 1000) + 1) * 1000;

/** What runs and waits, a copy that a test plays, and what was done, in order. */
function open({ leaseMs = 5000, hasStore = true } = {}) {
  const done: string[] = [];
  let begin = (): void => {};
  const inFlight = new InFlight(
    () => {},
    () => begin(),
  );
  const changes = new Changes(() => begin());
  const onBegin = (listener: () => void): (() => void) => {
    begin = listener;
    return () => {
      begin = () => {};
    };
  };
  const hand = { changesAt: eachSecond, skewMs: START - Date.now(), fault: null as Fault | null, draining: 0 };
  vi.spyOn(inFlight, 'draining', 'get').mockImplementation(() => hand.draining);
  vi.spyOn(inFlight, 'check').mockImplementation(() => done.push('runs'));
  vi.spyOn(changes, 'notify').mockImplementation(() => void done.push('waits'));
  const replica = {
    changesAt: (now: number) => hand.changesAt(now),
    storeNow: () => Date.now() + hand.skewMs,
    report: () => void done.push('report'),
  };
  const executor = { replica: hasStore ? replica : null, inFlight, changes, onBegin };
  const end = lookAgain({ executor, sourceFault: () => hand.fault, leaseMs });
  /** What was done in so many milliseconds. */
  const after = (ms: number): string => {
    vi.advanceTimersByTime(ms);
    return done.splice(0).join(' ');
  };
  return { inFlight, changes, hand, end, after };
}

describe('while a rule asks for the time', () => {
  test('what runs is looked at with each second, then what waits is woken', () => {
    const { changes, after } = open();
    changes.hold();
    expect(after(749)).toBe('');
    expect(after(1)).toBe('runs waits');
    expect(after(999)).toBe('');
    expect(after(1)).toBe('runs waits');
  });

  test('it is not looked at twice for one second, also where the lease has it look more often', () => {
    const { changes, after } = open({ leaseMs: 900 });
    changes.hold();
    expect(after(300)).toBe('runs waits'); // something may have been decided in the second before
    expect(after(449)).toBe('');
    expect(after(1)).toBe('runs waits');
    expect(after(999)).toBe('');
  });

  test('a time that jumps forward is seen within a second, and within a third of the lease', () => {
    const { changes, hand, after } = open({ leaseMs: 900 });
    changes.hold();
    after(760);
    hand.skewMs += 5000;
    expect(after(300)).toBe('runs waits');
    hand.skewMs -= 5000; // the store's clock was set back
    expect(after(300)).toBe('runs waits');
  });

  test('a report follows where other work drains than before', () => {
    const { inFlight, changes, hand, after } = open();
    changes.hold();
    vi.mocked(inFlight.check).mockImplementationOnce(() => {
      hand.draining = 1;
      return 0;
    });
    expect(after(750)).toBe('waits report');
    expect(after(1000)).toBe('runs waits');
  });

  test('no timer is left once nothing runs or waits, nor before', () => {
    const { changes, after } = open();
    expect(vi.getTimerCount()).toBe(0);
    changes.hold();
    changes.hold();
    after(750);
    changes.letGo();
    changes.letGo();
    expect(after(1000)).toBe('');
    expect(vi.getTimerCount()).toBe(0);
    changes.hold();
    expect(after(1000)).toBe('runs waits');
  });

  test('work that runs, and a signal that is watched, is looked at as well', () => {
    const { inFlight, after } = open();
    const watched = { decision: {} as never, look: () => ({}) as never, refresh: async () => {}, stop: () => null };
    const unwatch = inFlight.watch(watched);
    expect(after(750)).toBe('runs waits');
    unwatch();
    expect(after(1000)).toBe('');
    const running = { ...watched, ...ANY_WORK, isActive: () => true };
    inFlight.start(running);
    expect(after(1000)).toBe('runs waits');
    inFlight.end(running);
    expect(after(1000)).toBe('');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('nothing is looked at once that has ended', () => {
    const { inFlight, changes, end, after } = open();
    changes.hold();
    end();
    changes.hold();
    expect([after(5000), inFlight.isEmpty]).toEqual(['', true]);
    const other = open();
    other.end();
    other.changes.hold();
    expect(other.after(5000)).toBe('');
  });
});

test('while a window is open or closed nothing is looked at, and all is the moment that it opens or closes', () => {
  const { changes, hand, after } = open();
  const [opens, closes] = [START + 90_500, START + 200_250];
  hand.changesAt = (now) => [opens, closes].find((at) => at > now) ?? null;
  changes.hold();
  expect(after(1000)).toBe('runs waits'); // something may have been decided before the window closed
  expect(after(89_499)).toBe('');
  expect(after(1)).toBe('runs waits');
  expect(after(109_749)).toBe('');
  expect(after(1)).toBe('runs waits');
  expect(after(1_000_000)).toBe('');
});

test('without such a rule nothing is looked at but for a new fault', () => {
  const { changes, hand, after } = open();
  hand.changesAt = () => null;
  changes.hold();
  expect(after(10_000)).toBe('');
  hand.fault = TAKEN;
  expect(after(1000)).toBe('runs waits');
  expect(after(10_000)).toBe('');
  hand.changesAt = eachSecond;
  expect(after(1000)).toBe('runs waits');
});

test('without a store a fault is noticed all the same', () => {
  const { changes, hand, after } = open({ hasStore: false });
  changes.hold();
  after(1000);
  hand.fault = TAKEN;
  hand.draining = 1;
  expect(after(1000)).toBe('runs waits');
});

test('its timer does not keep the process alive', () => {
  const timeout = vi.spyOn(globalThis, 'setTimeout');
  const { changes, end } = open();
  changes.hold();
  expect(timeout.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef())).toEqual([false]);
  end();
});
