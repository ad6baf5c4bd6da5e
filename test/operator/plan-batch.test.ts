import { describe, expect, test } from 'vitest';
import type { Command } from '../../operator/commands/index.ts';
import type { Check, GivenCommand } from '../../operator/plan.ts';
import { nextJobs, planBatch } from '../../operator/plan-batch.ts';
import { kill, started, T0 } from './desk.ts';

const limit = (name: string): Command => ({ type: 'limit', name, value: 5 });
const feature: Command = { type: 'feature', name: 'f', stage: 'live', reason: 'launch' };
const revive = (target: string): Command => ({ type: 'revive', target, reason: 'fixed' });

const jobs = (...commands: Command[]): GivenCommand[] =>
  commands.map((command, index) => ({
    command,
    actor: { is: 'unverified', id: 'ann', roles: undefined },
    commandId: `c${index}`,
  }));

describe('the jobs to plan next', () => {
  const waiting = (command: Command, more: { notBefore?: number; alone?: boolean } = {}) => ({
    command,
    notBefore: 0,
    alone: false,
    ...more,
  });

  test('are the kills where any are due, else the oldest, at most as many as may go together', () => {
    const [first, second, killing, late] = [
      waiting(limit('a')),
      waiting(limit('b')),
      waiting(kill()),
      waiting(kill(), { notBefore: 7 }),
    ];
    expect(nextJobs([first, second, killing, late], 6, 10)).toEqual([killing]);
    expect(nextJobs([first, second, killing, late], 7, 10)).toEqual([killing, late]);
    expect(nextJobs([first, second, late], 6, 10)).toEqual([first, second]);
    expect(nextJobs([first, second, late], 6, 1)).toEqual([first]);
    expect(nextJobs([late], 6, 10)).toEqual([]);
  });

  test('are never more than one where it is to be tried alone', () => {
    const [together, alone] = [waiting(limit('a')), waiting(limit('b'), { alone: true })];
    expect(nextJobs([alone, together], 0, 10)).toEqual([alone]);
    expect(nextJobs([together, alone, together], 0, 10)).toEqual([together, together]);
  });
});

describe('a batch', () => {
  test('plans each job on the state after those before it, and chains their appends', () => {
    const { view } = started();
    const [first, second, third] = jobs(kill(), kill(), kill({ target: 'agent:y' }));
    if (!first || !second || !third) throw new Error('three jobs');
    const plan = planBatch(view, [first, second, third], []);
    expect(plan.planned.map(({ job, change }) => [job, change.already])).toEqual([
      [first, false],
      [second, true],
      [third, false],
    ]);
    expect(plan.appends.map(({ expected }) => expected)).toEqual([
      view.head,
      ...plan.planned.slice(0, 2).map(({ change }) => change.head),
    ]);
    expect(plan).toMatchObject({ loosens: false, objected: [], left: [] });
    expect(plan.planned.map(({ objection }) => objection)).toEqual([null, null, null]);
    expect(plan.after.head).toEqual(plan.planned[2]?.change.head);
    expect(plan.after.get('kill', 'agent:y')).toMatchObject({ target: 'agent:y' });
    expect(view.get('kill', 'agent:x')).toBeUndefined();
  });

  test('sees what a job before it has removed, and has put back', () => {
    const desk = started();
    desk.do(kill());
    const gone = planBatch(desk.view, jobs(revive('agent:x'), revive('agent:x')), []);
    expect(gone.objected).toMatchObject([{ objection: { is: 'refused', refusal: { kind: 'not_killed' } } }]);
    expect(gone.after.get('kill', 'agent:x')).toBeUndefined();
    const lifted = gone.planned[0]?.change;
    expect(lifted?.ends).toMatchObject({ target: 'agent:x' });

    const again = planBatch(gone.after, jobs(kill()), []);
    expect(again.planned).toMatchObject([{ change: { already: false } }]);
    expect(again.after.get('kill', 'agent:x')?.id).not.toBe(lifted?.ends?.id);
    expect(desk.view.get('kill', 'agent:x')).toBeDefined();
  });

  test('ends before the first job that differs in whether it takes authority away', () => {
    const { view } = started();
    const all = jobs(limit('l'), kill(), limit('m'));
    const loosening = jobs(feature, limit('l'));
    expect(planBatch(view, loosening, [])).toMatchObject({ loosens: true, left: [loosening[1]] });
    expect(planBatch(view, all, [])).toMatchObject({ loosens: false, left: [] });
    expect(planBatch(view, [...all, ...loosening], [])).toMatchObject({ loosens: false, left: loosening });
  });

  test('holds a job with an objection only where something is recorded in its place', () => {
    const { view } = started();
    const record = { type: 'second', data: { kind: 'feature', name: 'f' } } as const;
    const requested: Check = ({ command }) =>
      command.type === 'feature'
        ? { is: 'pending', request: { id: 'r1', expires_at: T0 }, record }
        : { is: 'refused', refusal: { kind: 'reason_required' } };
    const [asked, refused] = jobs(feature, limit('l'));
    if (!asked || !refused) throw new Error('two jobs');
    const plan = planBatch(view, [refused, asked], [requested]);
    expect(plan.objected).toMatchObject([{ job: refused, objection: { is: 'refused' } }]);
    expect(plan.planned).toMatchObject([
      { job: asked, objection: { is: 'pending' }, change: { event: { type: 'second' } } },
    ]);
    expect(plan.appends).toHaveLength(1);
  });

  test('of which nothing is recorded leaves the state as it was', () => {
    const { view } = started();
    const plan = planBatch(view, jobs(revive('agent:x')), []);
    expect(plan).toMatchObject({ planned: [], appends: [], loosens: false, left: [] });
    expect(plan.after.head).toEqual(view.head);
  });
});
