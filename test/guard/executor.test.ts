import { beforeEach, describe, expect, test, vi } from 'vitest';
import { makeDecision, NO_GOVERNANCE, State, verdictFor } from '../../flags/index.ts';
import { normaliseAction } from '../../guard/normalise-action.ts';
import { openExecutor, type Reported, WITHOUT_STORE } from '../../guard/executor.ts';
import { createMetrics, type Gauges } from '../../guard/metrics.ts';
import type { Replica, ReplicaEvent } from '../../store/replica.ts';
import { ANY_WORK } from './any-work.ts';

vi.mock('../../guard/metrics.ts', { spy: true });
const stopped = vi.fn<(ms: number) => void>();
beforeEach(() => {
  stopped.mockClear();
  vi.mocked(createMetrics)
    .mockClear()
    .mockReturnValue({ decided() {}, stopped, close() {} });
});

const decide = (mode: 'live' | 'full_stop') =>
  makeDecision({}, { verdict: verdictFor(mode, 'write'), mode, epoch: 1, cause: { kind: 'mode' } });

const NO_PARENTS = { lineageAgents: [], lineageMissions: [], lineageRuns: [] };
const AT = '2026-01-01T00:00:00.000Z';
const changed: ReplicaEvent = { type: 'changed', keys: ['mode'], at: AT };

/** An executor over a copy that a test plays, with one action in flight; and what was done, in order. */
function open() {
  const done: string[] = [];
  let tell: (event: ReplicaEvent) => void = () => {};
  let reported: Reported | undefined;
  const copy = {
    epoch: 7,
    stalenessMs: () => 250,
    state: null as State | null,
    storeNow: (): number | null => Date.parse(AT) + 120,
    report: () => void done.push('reported'),
    on(listener: (event: ReplicaEvent) => void) {
      tell = listener;
      return () => {};
    },
  };
  const executor = openExecutor('1.2.3', (given) => {
    reported = given;
    return {
      id: 'e',
      replica: copy as unknown as Replica,
      reports: null,
      journal: null,
      approvals: null,
      ledger: null,
      stops: null,
    };
  });
  const running = { decision: decide('live'), now: decide('live') };
  executor.inFlight.start({
    decision: running.decision,
    look: () => running.now,
    ...ANY_WORK,
    isActive: () => true,
    refresh: async () => {},
    stop: () => () => void done.push('aborted'),
  });
  executor.changes.once(() => done.push('woken'));
  return { executor, copy, done, running, reported: () => reported, tell: (event: ReplicaEvent) => tell(event) };
}

/** The numbers that the last executor's gauges show. */
const gauges = (): Gauges | undefined => vi.mocked(createMetrics).mock.lastCall?.[1];

describe('an executor', () => {
  test('tells what runs of each change of its copy, then what waits, in the same turn', () => {
    const { done, running, tell } = open();
    running.now = decide('full_stop');
    tell(changed);
    expect(done).toEqual(['aborted', 'woken']);
  });

  test('tells them also of what the copy can be trusted for', () => {
    const { done, running, tell } = open();
    running.now = decide('full_stop');
    tell({ type: 'fault', fault: { code: 'STALE', message: 'late' } });
    expect(done).toEqual(['aborted', 'woken']);
    expect(stopped).not.toHaveBeenCalled(); // no change did it
  });

  test('measures a stop from the change to its signal, by the store’s clock', () => {
    const { copy, running, tell } = open();
    tell(changed);
    expect(stopped).not.toHaveBeenCalled(); // nothing was stopped
    running.now = decide('full_stop');
    tell({ ...changed, at: null } as ReplicaEvent);
    copy.storeNow = () => null;
    tell(changed);
    expect(stopped).not.toHaveBeenCalled(); // not known when
    copy.storeNow = () => Date.parse(AT) + 120;
    tell(changed);
    expect(stopped.mock.calls).toEqual([[120]]);
  });

  test('says when something has begun to run, to be watched or to wait, until nobody listens', () => {
    const { executor, running } = open();
    const begun = vi.fn();
    const forget = executor.onBegin(begun);
    const work = {
      decision: running.decision,
      look: () => running.now,
      ...ANY_WORK,
      isActive: () => true,
      refresh: async () => {},
      stop: () => null,
    };
    executor.inFlight.start(work);
    expect(begun).toHaveBeenCalledTimes(1);
    executor.inFlight.watch(work);
    expect(begun).toHaveBeenCalledTimes(2);
    executor.changes.hold();
    expect(begun).toHaveBeenCalledTimes(3);
    executor.inFlight.end(work);
    executor.changes.letGo();
    forget();
    executor.inFlight.start(work);
    expect(begun).toHaveBeenCalledTimes(3);
  });

  test('reports its work and its actions with its copy', () => {
    const { executor, done, reported } = open();
    expect(reported()?.work?.()).toMatchObject({ inFlight: 1, draining: 0 });
    expect(reported()?.surfaces?.()).toBeNull();
    executor.registry.register(normaliseAction({ name: 'a.b', execute: () => 1 }));
    expect(done).toEqual(['reported']);
    expect(reported()?.surfaces?.()).toMatchObject([{ action: 'a.b' }]);
  });

  test('reports of all that it can do, and of who acts there, that it has met them when it leaves', () => {
    const { executor, reported } = open();
    executor.registry.register(normaliseAction({ name: 'a.b', feature: 'f', execute: () => 1 }));
    executor.inFlight.open({ ...NO_PARENTS, agentId: 'x', runId: 'r', missionId: undefined });
    const met = (last: boolean) =>
      reported()
        ?.seen({ last })
        .map(({ agent_id, action, feature }) => [agent_id, action, feature].join());
    expect(met(false)).toEqual([',,', 'x,,']);
    expect(met(false)).toEqual([]);
    expect(met(true)).toEqual([',a.b,f']);
  });

  test('reports at once when the last of what drained has ended', () => {
    const { executor, done, running, tell } = open();
    const other = {
      decision: decide('live'),
      look: () => decide('full_stop'),
      ...ANY_WORK,
      isActive: () => true,
      refresh: async () => {},
      stop: () => null,
    };
    executor.inFlight.start(other);
    tell(changed);
    executor.inFlight.end(other);
    expect([done, running.now.verdict]).toEqual([['woken', 'reported'], 'allow']);
  });

  test('shows epoch, age, work and whether a drill is overdue in its gauges; without a copy as well', () => {
    const { copy } = open();
    expect(gauges()?.isDrillOverdue()).toBe(null); // nothing is known yet
    copy.state = new State();
    expect(gauges()?.isDrillOverdue()).toBe(false);
    copy.state.put('governance', { ...NO_GOVERNANCE, drill_ms: 60_000, epoch: 1, by: 'unverified:ann', at: AT });
    expect(gauges()?.isDrillOverdue()).toBe(true);
    copy.storeNow = () => null;
    expect(gauges()?.isDrillOverdue()).toBe(null);
    expect(vi.mocked(createMetrics).mock.lastCall?.[0]).toBe('1.2.3');
    expect([gauges()?.epoch(), gauges()?.stalenessMs(), gauges()?.inFlight()]).toEqual([7, 250, 1]);
    const { replica, registry, inFlight } = openExecutor('1.2.3', () => WITHOUT_STORE);
    expect(replica).toBeNull();
    const running = { now: decide('live') };
    const action = {
      decision: running.now,
      look: () => running.now,
      ...ANY_WORK,
      isActive: () => true,
      refresh: async () => {},
      stop: () => null,
    };
    inFlight.start(action);
    running.now = decide('full_stop');
    inFlight.check();
    inFlight.end(action); // the last that drains: nobody is there to report it to
    registry.register(normaliseAction({ name: 'a.b', execute: () => 1 }));
    expect([gauges()?.epoch(), gauges()?.stalenessMs(), gauges()?.inFlight()]).toEqual([0, null, 0]);
    expect(gauges()?.isDrillOverdue()).toBe(null);
  });
});
