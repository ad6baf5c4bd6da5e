import { describe, expect, test } from 'vitest';
import { makeDecision } from '../../flags/index.ts';
import { ActionInputError, ActionResultError, ActionStoppedError, isActionStoppedError } from '../../guard/errors.ts';

const decide = (action?: string) =>
  makeDecision(action === undefined ? {} : { action }, {
    verdict: 'block',
    mode: 'full_stop',
    epoch: 1,
    cause: { kind: 'kill', killId: 'k', target: 'all', killedBy: 'ann', reason: 'wrong\nmails' },
  });

describe('the error of an action that was stopped', () => {
  test('says on one line what was stopped, by whom and in which mode', () => {
    const decision = decide('mail.send');
    const error = new ActionStoppedError('blocked', decision);
    expect(error).toMatchObject({ name: 'ActionStoppedError', code: 'BLOCKED' });
    expect(error.message).toMatch(/^mail\.send was stopped \(blocked, mode full_stop\): [^\n]*ann[^\n]*wrong[^\n]*\.$/);
    expect(error.decision).toBe(decision);
    expect(Object.isFrozen(decision) && Object.isFrozen(decision.cause)).toBe(true);
    expect(new ActionStoppedError('paused', decide()).message).toMatch(
      /^The run was stopped \(paused, mode full_stop\): /,
    );
  });

  test('is known, also where it comes from another copy of this package; no other error is', () => {
    expect(isActionStoppedError(new ActionStoppedError('aborted', decide()))).toBe(true);
    const brand = Symbol.for('openfeature-kill-switch.action-stopped');
    expect(isActionStoppedError(Object.assign(new Error('from elsewhere'), { [brand]: true }))).toBe(true);
    expect([new Error('another'), { [brand]: true }, null, undefined].map(isActionStoppedError)).toEqual(
      Array(4).fill(false),
    );
  });
});

describe('the error of an input that does not fit', () => {
  const issues = (count: number) => Array.from({ length: count }, (_, at) => ({ message: `no ${at}`, path: `p${at}` }));

  test('names the issues with their paths', () => {
    const error = new ActionInputError('a.b', [...issues(1), { message: 'not at all', path: '' }]);
    expect(error).toMatchObject({ name: 'ActionInputError', code: 'INVALID_INPUT', action: 'a.b' });
    expect(error.message).toBe('The input of a.b does not fit its schema: p0: no 0; not at all');
    expect(error.issues).toEqual([
      { message: 'no 0', path: 'p0' },
      { message: 'not at all', path: '' },
    ]);
  });

  test('has the first twenty, and says how many more there are', () => {
    expect(new ActionInputError('a.b', issues(20)).message).toMatch(/; p19: no 19$/);
    const error = new ActionInputError('a.b', issues(23));
    expect(error.issues).toEqual(issues(20));
    expect(error.message).toMatch(/; p19: no 19; and 3 more$/);
  });

  test('holds no secret, in path or message', () => {
    const secret = 'password=hunter2hunter2';
    const error = new ActionInputError('a.b', [{ message: secret, path: secret }]);
    expect(JSON.stringify([error.message, error.issues])).not.toContain('hunter2');
  });
});

test('the error of a result that goes on names the action and what it returned', () => {
  const error = new ActionResultError('a.b', 'a worker');
  expect(error).toMatchObject({ name: 'ActionResultError', code: 'RESULT_GOES_ON', action: 'a.b' });
  expect(error.message).toBe('What a.b returned a worker.');
});
