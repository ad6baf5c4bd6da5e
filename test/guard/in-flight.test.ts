import { describe, expect, test } from 'vitest';
import { type Decision, type Mode, makeDecision, MODES, verdictFor } from '../../flags/index.ts';
import { InFlight, isDraining, mustStop } from '../../guard/in-flight.ts';
import { MOST_ROWS } from '../../store/own-beat.ts';
import { ANY_WORK } from './any-work.ts';

const decide = (mode: Mode, who: { readonly agentId?: string; readonly runId?: string } = {}): Decision =>
  makeDecision(who, { verdict: verdictFor(mode, 'write'), mode, epoch: 1, cause: { kind: 'mode' } });

/** Work that a test turns by hand, and what has been done to it, in order. */
function work(done: string[], name: string, first: Decision = decide('live')) {
  const made = {
    ...ANY_WORK,
    subject: { ...ANY_WORK.subject, agentId: first.agentId, runId: first.runId, action: name },
    decision: first,
    now: first,
    active: true,
    isActive: () => made.active,
    look: () => made.now,
    refresh: async () => void done.push(`refresh ${name}`),
    onStop: () => {},
    isStopped: false,
    stop({ mode }: Decision) {
      if (made.isStopped) return null;
      made.isStopped = true;
      done.push(`stop ${name} ${mode}`);
      made.onStop();
      return () => void done.push(`abort ${name}`);
    },
  };
  return made;
}

function open() {
  const done: string[] = [];
  const inFlight = new InFlight(() => void done.push('drained'));
  const start = (name: string, first?: Decision) => {
    const running = work(done, name, first);
    inFlight.start(running);
    return running;
  };
  return { done, inFlight, start };
}

describe('work that runs', () => {
  test('is to stop under a stricter mode that gives another verdict, except a pause, which it drains through', () => {
    const live = decide('live');
    const drains = MODES.filter((mode) => isDraining(live, decide(mode)));
    expect(drains).toEqual(MODES.filter((mode) => verdictFor(mode, 'write') !== 'allow'));
    expect(MODES.filter((mode) => mustStop(live, decide(mode)))).toEqual(
      drains.filter((mode) => verdictFor(mode, 'write') !== 'pause'),
    );
    for (const mode of MODES) {
      expect(isDraining(decide(mode), decide(mode))).toBe(false);
      expect(isDraining(decide('full_stop'), decide(mode))).toBe(false); // looser, or the same
    }
  });

  test('goes on under a stricter mode that allows it all the same: a read in all but a full stop', () => {
    const reads = (mode: Mode): Decision =>
      makeDecision({}, { verdict: verdictFor(mode, 'read'), mode, epoch: 1, cause: { kind: 'mode' } });
    expect(MODES.filter((mode) => isDraining(reads('live'), reads(mode)))).toEqual(
      MODES.filter((mode) => verdictFor(mode, 'read') !== 'allow'),
    );
    expect(MODES.filter((mode) => mustStop(reads('live'), reads(mode)))).toEqual(['full_stop']);
  });

  test('ends altogether before the signal of any of it fires, and is stopped once', () => {
    const { done, inFlight, start } = open();
    const [one, other] = [start('one'), start('other')];
    one.now = decide('full_stop');
    other.now = decide('full_stop');
    expect(inFlight.check()).toBe(2);
    expect(done).toEqual(['stop one full_stop', 'stop other full_stop', 'abort one', 'abort other']);
    expect(inFlight.check()).toBe(0);
    expect(done).toHaveLength(4);
  });

  test('that ended with what was stopped before it is not stopped', () => {
    const { done, inFlight, start } = open();
    const [one, other] = [start('one'), start('other')];
    one.now = decide('full_stop');
    other.now = decide('full_stop');
    one.onStop = () => inFlight.end(other);
    expect(inFlight.check()).toBe(1);
    expect(done).toEqual(['stop one full_stop', 'abort one']);
  });

  test('drains from a stop or a pause on until it ends, and the last one that drained is said so once', () => {
    const { done, inFlight, start } = open();
    const [one, other, calm] = [start('one'), start('other'), start('calm')];
    one.now = decide('paused');
    other.now = decide('full_stop');
    inFlight.check();
    expect(inFlight.work).toMatchObject({ inFlight: 3, draining: 2 });
    expect(inFlight.draining).toBe(2);
    inFlight.end(one);
    inFlight.end(calm);
    expect(done).not.toContain('drained');
    inFlight.end(other);
    expect(done.filter((what) => what === 'drained')).toHaveLength(1);
    expect(inFlight.work).toMatchObject({ inFlight: 0, draining: 0 });
  });

  test('drains no longer when the pause is over', () => {
    const { inFlight, start } = open();
    const one = start('one');
    one.now = decide('paused');
    inFlight.check();
    one.now = decide('live');
    inFlight.check();
    expect(inFlight.work.draining).toBe(0);
  });

  test('that rests between its steps has been reached by a pause, and not by a stop', () => {
    const { done, inFlight, start } = open();
    const one = start('one');
    one.now = decide('paused');
    inFlight.check();
    one.active = false;
    inFlight.rest(one);
    expect([inFlight.work.draining, done]).toEqual([0, ['drained']]);
    one.now = decide('full_stop');
    inFlight.check();
    inFlight.rest(one);
    expect(inFlight.work.draining).toBe(1);
  });

  test('is reported by the agents and runs that it is of, and so is an open run until it is closed', () => {
    const { inFlight, start } = open();
    const running = start('one', decide('live', { agentId: 'a', runId: 'r' }));
    start('two', decide('live', { agentId: 'a' }));
    start('of nobody');
    const identity = { agentId: 'b', missionId: 'm', lineageAgents: [], lineageMissions: [], lineageRuns: [] };
    const close = inFlight.open({ ...identity, runId: 'open' });
    const names = { agents: ['b', 'a'], missions: ['m'], runs: ['open', 'r'] };
    expect(inFlight.work).toMatchObject({ inFlight: 3, draining: 0, ...names });
    close();
    inFlight.end(running);
    expect(inFlight.work).toMatchObject({ inFlight: 2, draining: 0, agents: ['a'], missions: [], runs: [] });
  });

  test('is reported by name, what drains first, with what its code was given to stop by', () => {
    const { inFlight, start } = open();
    const since = Date.now();
    const rows = () => inFlight.work.rows.map(({ action, draining }) => `${action}${draining ? ' drains' : ''}`);
    const [, two] = [start('one', decide('live', { agentId: 'a', runId: 'r' })), start('two')];
    expect(rows()).toEqual(['one', 'two']);
    const [row] = inFlight.work.rows;
    expect(row).toMatchObject({
      ...{ action: 'one', effect: 'write', agent_id: 'a', run_id: 'r', mission_id: null, surface: null },
      ...{ feature: null, draining: false, signalled_at: null, reads_signal: false },
    });
    expect(Date.parse(row?.since ?? '')).toBeGreaterThanOrEqual(since);
    two.now = decide('full_stop');
    two.work = { signalledAt: since, hasReadSignal: true };
    inFlight.check();
    expect(rows()).toEqual(['two drains', 'one']);
    expect(inFlight.work.rows[0]).toMatchObject({ signalled_at: new Date(since).toISOString(), reads_signal: true });
    for (let more = 0; more < MOST_ROWS; more += 1) start(`more ${more}`);
    expect(rows()).toHaveLength(MOST_ROWS);
  });

  test('is waited for until none runs, by everybody who waits', async () => {
    const { inFlight, start } = open();
    await inFlight.idle();
    const [one, other] = [start('one'), start('other')];
    let idle = 0;
    const waits = [inFlight.idle(), inFlight.idle()].map((wait) => wait.then(() => void (idle += 1)));
    inFlight.end(one);
    await Promise.resolve();
    expect(idle).toBe(0);
    inFlight.end(other);
    await Promise.all(waits);
    expect(idle).toBe(2);
  });
});

test('there is nothing to look at before anything runs or is watched, nor after that', () => {
  const { done, inFlight, start } = open();
  expect(inFlight.isEmpty).toBe(true);
  const running = start('one');
  expect(inFlight.isEmpty).toBe(false);
  const unwatch = inFlight.watch(work(done, 'other'));
  inFlight.end(running);
  expect(inFlight.isEmpty).toBe(false);
  unwatch();
  expect(inFlight.isEmpty).toBe(true);
});

describe('what is watched', () => {
  test('is stopped once when it must, not in a pause, and not after its watching has ended; it does not count', () => {
    const { done, inFlight } = open();
    const [one, ended] = [work(done, 'one'), work(done, 'ended')];
    inFlight.watch(one);
    const unwatch = inFlight.watch(ended);
    one.now = decide('paused');
    expect([inFlight.check(), inFlight.count, done]).toEqual([0, 0, []]);
    unwatch();
    one.now = decide('full_stop');
    ended.now = decide('full_stop');
    expect(inFlight.check()).toBe(1);
    expect(done).toEqual(['stop one full_stop', 'abort one']);
    one.isStopped = false; // were it still watched, it would be stopped again
    expect(inFlight.check()).toBe(0);
  });

  test('evaluates anew with all that runs, and is stopped by what that has found', async () => {
    const { done, inFlight, start } = open();
    const running = start('running');
    const watched = work(done, 'watched');
    inFlight.watch(watched);
    running.refresh = async () => void (running.now = decide('full_stop'));
    await inFlight.refresh();
    expect(done).toEqual(['refresh watched', 'stop running full_stop', 'abort running']);
  });

  test('cannot be changed by whoever has its decision', () => {
    const { done, inFlight } = open();
    const watched = work(done, 'one');
    inFlight.watch(watched);
    expect(Object.isFrozen(watched.decision)).toBe(true);
  });
});
