import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { closingOnce, type ClosedParts } from '../../guard/closing.ts';
import { Changes } from '../../guard/changes.ts';
import { InFlight, type Running } from '../../guard/in-flight.ts';
import { OpenCalls } from '../../guard/open-calls.ts';
import { makeDecision } from '../../flags/index.ts';
import { ANY_WORK } from './any-work.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

const decision = makeDecision({}, { verdict: 'allow', mode: 'live', epoch: 1, cause: { kind: 'mode' } });
const running = {
  decision,
  look: () => decision,
  refresh: async () => {},
  stop: () => null,
  ...ANY_WORK,
  isActive: () => true,
} satisfies Running;

/** The parts of a switch that say in which order they were closed. */
function open() {
  const done: string[] = [];
  const say =
    (what: string) =>
    (more?: unknown): void =>
      void done.push(more === undefined ? what : `${what} ${JSON.stringify(more)}`);
  const inFlight = new InFlight(() => {});
  const calls = new OpenCalls();
  const changes = new Changes();
  vi.spyOn(inFlight, 'check').mockImplementation(() => (say('work is stopped')(), 0));
  vi.spyOn(changes, 'notify').mockImplementation(say('whoever waits is woken'));
  const later = (what: string) => async (more?: unknown) => say(what)(more);
  const parts = {
    executor: {
      replica: { report: say('reported'), close: later('copy closed') },
      inFlight,
      changes,
      metrics: { close: say('metrics closed') },
    },
    source: { close: later('source closed') },
    calls,
    interventions: { close: later('records written') },
    outboxes: [{ close: later('what was not sent is sent') }],
    stopWatching: say('watching ended'),
  } as unknown as ClosedParts;
  return { done, inFlight, calls, parts };
}

const AT_ONCE = ['work is stopped', 'whoever waits is woken', 'reported', 'watching ended'];
const then = (leave: boolean) => [
  'metrics closed',
  'records written',
  'what was not sent is sent',
  `copy closed {"leave":${leave}}`,
  'source closed',
];

describe('closing a switch', () => {
  test('stops its work in the turn of the call, then closes its parts in order and signs off', async () => {
    const { done, parts } = open();
    const closing = closingOnce();
    expect(closing.isClosed()).toBe(false);
    const closed = closing.close(parts);
    expect([closing.isClosed(), done]).toEqual([true, AT_ONCE]);
    await closed;
    expect(done).toEqual([...AT_ONCE, ...then(true)]);
  });

  test('happens once, and whoever closes it again waits for the same end', async () => {
    const { done, parts } = open();
    const closing = closingOnce();
    const first = closing.close(parts);
    expect(closing.close(parts)).toBe(first);
    await first;
    expect(closing.close(parts)).toBe(first);
    expect(done).toHaveLength(9);
  });

  test('waits for work that still runs, and signs off when that has ended', async () => {
    const { done, inFlight, parts } = open();
    inFlight.start(running);
    const closed = closingOnce().close(parts);
    await vi.advanceTimersByTimeAsync(4999);
    expect(done).toEqual(AT_ONCE);
    inFlight.end(running);
    await closed;
    expect(done).toEqual([...AT_ONCE, ...then(true)]);
  });

  test('waits for it at most five seconds, and does not sign off where it goes on', async () => {
    const { done, inFlight, parts } = open();
    inFlight.start(running);
    const closed = closingOnce().close(parts);
    await vi.advanceTimersByTimeAsync(4999);
    expect(done).toEqual(AT_ONCE);
    await vi.advanceTimersByTimeAsync(1);
    await closed;
    expect(done).toEqual([...AT_ONCE, ...then(false)]);
  });

  test('waits for the calls that it ends, five seconds at most, and signs off where only those go on', async () => {
    for (const ends of [true, false]) {
      const { done, calls, parts } = open();
      const period = calls.begin();
      const closed = closingOnce().close(parts);
      calls.begin(); // it begins when the switch is closed
      await vi.advanceTimersByTimeAsync(4999);
      expect(done).toEqual(AT_ONCE);
      if (ends) calls.end(period);
      else await vi.advanceTimersByTimeAsync(1);
      await closed;
      expect(done).toEqual([...AT_ONCE, ...then(true)]);
    }
  });

  test('without a store has no copy to close', async () => {
    const { done, parts } = open();
    await closingOnce().close({ ...parts, executor: { ...parts.executor, replica: null } });
    expect(done).toEqual([...AT_ONCE, ...then(true)].filter((what) => !/^(reported|copy)/.test(what)));
  });
});
