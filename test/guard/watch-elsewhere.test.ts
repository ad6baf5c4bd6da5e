import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchElsewhere, type Watching } from '../../guard/watch-elsewhere.ts';
import { Changes } from '../../guard/changes.ts';
import { InFlight } from '../../guard/in-flight.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function open(leaseMs = 60_000) {
  const done: string[] = [];
  const inFlight = new InFlight(() => {});
  const changes = new Changes();
  vi.spyOn(inFlight, 'refresh').mockImplementation(async () => void done.push('runs'));
  vi.spyOn(changes, 'notify').mockImplementation(() => void done.push('waits'));
  let news = (): void => {};
  const unwatch = vi.fn();
  const watch = (onNews: () => void): (() => void) => {
    news = onNews;
    return unwatch;
  };
  const source = {
    client: {} as never,
    limits: null,
    reversing: null,
    fault: () => null,
    watch,
    initialised: Promise.resolve(),
    close: async () => {},
  };
  const replica = { report: () => void done.push('reports') };
  const watching: Watching = { source, executor: { replica, inFlight, changes }, leaseMs };
  return { done, inFlight, watching, unwatch, news: () => news() };
}

test('all that runs or waits asks again at each event, and each second', () => {
  const { done, watching, unwatch, news } = open();
  const end = watchElsewhere(watching);
  expect(done).toEqual([]);
  news();
  expect(done.splice(0)).toEqual(['runs', 'waits']);
  vi.advanceTimersByTime(999);
  expect(done).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(done.splice(0)).toEqual(['runs', 'waits']);
  end();
  expect(unwatch).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(10_000);
  expect(done).toEqual([]);
});

test('a report follows where other work drains than before', async () => {
  const { done, inFlight, watching, news } = open();
  let draining = 0;
  vi.spyOn(inFlight, 'draining', 'get').mockImplementation(() => draining);
  const end = watchElsewhere(watching);
  vi.mocked(inFlight.refresh).mockImplementationOnce(async () => {
    await Promise.resolve();
    draining = 1;
  });
  news();
  await vi.advanceTimersByTimeAsync(0);
  expect(done.splice(0)).toEqual(['waits', 'reports']);
  news();
  await vi.advanceTimersByTimeAsync(0);
  expect(done.splice(0)).toEqual(['runs', 'waits']);
  end();
  const withoutStore = watchElsewhere({ ...watching, executor: { ...watching.executor, replica: null } });
  vi.mocked(inFlight.refresh).mockImplementationOnce(async () => void (draining = 2));
  news();
  await vi.advanceTimersByTimeAsync(0);
  expect(done).toEqual(['waits']);
  withoutStore();
});

test('it asks again three times in a lease that is short', () => {
  const { done, watching } = open(900);
  watchElsewhere(watching)();
  expect(vi.getTimerCount()).toBe(0);
  const end = watchElsewhere(watching);
  vi.advanceTimersByTime(900);
  expect(done.filter((what) => what === 'runs')).toHaveLength(3);
  end();
});

test('its timer does not keep the process alive', () => {
  const interval = vi.spyOn(globalThis, 'setInterval');
  const end = watchElsewhere(open().watching);
  const [made] = interval.mock.results;
  expect(made?.value.hasRef()).toBe(false);
  end();
});

test('nothing is asked again where the answers come from the local copy, which has its own events', () => {
  const { watching } = open();
  const end = watchElsewhere({ ...watching, source: { ...watching.source, watch: null } });
  expect(vi.getTimerCount()).toBe(0);
  end();
});
