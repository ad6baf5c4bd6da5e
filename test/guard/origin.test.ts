import { describe, expect, test } from 'vitest';
import { type Decision, makeDecision, type Mode, verdictFor } from '../../flags/index.ts';
import { type Origin, isHandedTo, isLike, lead, shownOrigin } from '../../guard/origin.ts';
import { StartedWork } from '../../guard/started-work.ts';
import type { GuardedSubject } from '../../guard/subject.ts';

const decide = (mode: Mode): Decision =>
  makeDecision({}, { verdict: verdictFor(mode, 'write'), mode, epoch: 1, cause: { kind: 'mode' } });
const stopped = decide('full_stop');

const guard = {};
function origin(subject: Partial<GuardedSubject> = {}, more: Partial<Origin> = {}): Origin {
  const work = new StartedWork({});
  return {
    guard,
    subject: { organizationId: 'default', agentId: 'x', effect: 'write', lineageAgents: ['boss'], ...subject },
    decision: decide('live'),
    work,
    stop: (decision) => work.stop(decision),
    ...more,
  };
}

describe('two attempts that returned the same are alike', () => {
  test('where the same switch has let the same subject through by the same verdict', () => {
    expect(isLike(origin(), origin())).toBe(true);
    expect(isLike(origin(), origin({}, { decision: decide('live') }))).toBe(true);
    expect(isLike(origin(), origin({}, { guard: {} }))).toBe(false);
    expect(isLike(origin(), origin({}, { decision: decide('test_mode') }))).toBe(false);
  });

  test.each([
    { agentId: 'y' },
    { agentId: undefined },
    { missionId: 'm' },
    { runId: 'r' },
    { action: 'a.b' },
    { effect: 'read' },
    { surface: 'tool' },
    { feature: 'f' },
    { organizationId: 'other' },
    { lineageAgents: undefined },
    { lineageAgents: [] },
    { lineageAgents: ['other'] },
    { lineageAgents: ['boss', 'other'] },
  ] as const)('not with %o', (other) => {
    const full = { missionId: undefined, runId: undefined, action: undefined, surface: undefined, feature: undefined };
    expect(isLike(origin(full), origin({ ...full, ...other }))).toBe(false);
    expect(isLike(origin({ ...full, ...other }), origin(full))).toBe(false);
  });
});

test('two attempts are not alike where they differ in one of several parents', () => {
  const [one, other] = [origin({ lineageAgents: ['a', 'b'] }), origin({ lineageAgents: ['a', 'c'] })];
  expect([isLike(one, other), isLike(one, origin({ lineageAgents: ['a', 'b'] }))]).toEqual([false, true]);
});

test('work may be handed up to those for whom it was begun, and to another switch', () => {
  const [boss, worker] = [origin({ agentId: 'boss', lineageAgents: [] }), origin()];
  expect([isHandedTo(boss, worker), isHandedTo(worker, boss), isHandedTo(worker, worker)]).toEqual([true, false, true]);
  expect(isHandedTo(worker, { ...boss, guard: {} })).toBe(true);
});

describe('an attempt that leads another', () => {
  test('stops it', () => {
    const [leader, follower] = [origin(), origin()];
    const { signal } = follower.work;
    lead(leader, follower);
    expect(signal.aborted).toBe(false);
    leader.stop(stopped)?.();
    expect(signal.reason).toBe(stopped);
  });

  test('is stopped, signal and all, where the other was stopped before it returned the same', () => {
    const [leader, follower] = [origin(), origin()];
    const { signal } = leader.work;
    follower.stop(stopped)?.();
    lead(leader, follower);
    expect([leader.work.stoppedBy, signal.reason]).toEqual([stopped, stopped]);
  });

  test('keeps its own stop where both were stopped', () => {
    const [leader, follower] = [origin(), origin()];
    const own = decide('read_only');
    leader.stop(own)?.();
    follower.stop(stopped)?.();
    lead(leader, follower);
    expect(leader.work.stoppedBy).toBe(own);
  });

  test('goes on where the other has not been stopped', () => {
    const leader = origin();
    lead(leader, origin());
    expect(leader.work.stoppedBy).toBeUndefined();
  });
});

test('an attempt is shown by its agent, mission and run, as far as it has them', () => {
  expect(shownOrigin(origin({ agentId: 'bot', missionId: 'm 1', runId: '7' }))).toBe('agent bot, mission m 1, run 7');
  expect(shownOrigin(origin({ agentId: 'bot', runId: '7' }))).toBe('agent bot, run 7');
  expect(shownOrigin(origin({ agentId: undefined }))).toBe('');
});
