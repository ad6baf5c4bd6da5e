import { expect, test } from 'vitest';
import { StartsHere } from '../../guard/starts-here.ts';
import type { GuardedSubject } from '../../guard/subject.ts';

const by = (agentId: string, action: string, more: Partial<GuardedSubject> = {}): GuardedSubject => ({
  ...{ agentId, action, effect: 'write', surface: 'tool', ...more },
});

test('what was started is counted for each agent and action, what came last first', () => {
  const starts = new StartsHere();
  starts.note(by('a', 'mail.send'), 1000);
  starts.note(by('b', 'mail.send', { feature: 'f' }), 2000);
  starts.note(by('a', 'mail.send'), 3000);
  const row = { action: 'mail.send', surface: 'tool', feature: null };
  expect(starts.rows).toEqual([
    { ...row, agent_id: 'a', count: 2, last_at: '1970-01-01T00:00:03.000Z' },
    { ...row, agent_id: 'b', feature: 'f', count: 1, last_at: '1970-01-01T00:00:02.000Z' },
  ]);
});

test('what undoes something is not counted: it may run under a stop', () => {
  const starts = new StartsHere();
  starts.note(by('a', 'mail.cancel', { reversing: { rollback: 'r', executor: 'e' } }), 1000);
  expect(starts.rows).toEqual([]);
});

test('at most fifty are told, and no more than some thousands remembered', () => {
  const starts = new StartsHere();
  for (let n = 0; n < 5001; n += 1) starts.note(by(`a-${n}`, 'mail.send'), n);
  expect(starts.rows.map(({ agent_id }) => agent_id)).toEqual(['a-5000']);
  for (let n = 0; n < 60; n += 1) starts.note(by(`b-${n}`, 'mail.send'), 6000 + n);
  expect(starts.rows).toHaveLength(50);
  expect(starts.rows[0]?.agent_id).toBe('b-59');
});
