import { describe, expect, test } from 'vitest';
import type { Governance } from '../../flags/index.ts';
import type { Command, CommandOf } from '../../operator/commands/index.ts';
import type { Actor } from '../../operator/operators.ts';
import { type Desk, kill, started } from './desk.ts';

const REPORT: CommandOf<'drill_end'>['report'] = {
  ...{ executors: [], more_executors: 0, baseline: { starts: 1, in_flight: 0, interventions: 0, canary: 0 } },
  ...{
    canary: null,
    phases: [],
    pressed_ms: null,
    restored_ms: null,
    error_ms: 0,
    stands: [],
    findings: [],
    notes: [],
  },
};
const drill = (more: Partial<CommandOf<'drill'>> = {}): Command => ({
  ...{ type: 'drill', id: 'd', kind: 'stop', target: 'agent:x', window_ms: 5000, performer: null },
  ...{ recipient: null, schedule: null, due: null },
  ...more,
});
const press = (target = 'agent:x', id = 'd'): Command => ({ type: 'drill_press', id, target, reason: `drill ${id}` });
const lift = (target = 'agent:x', id = 'd'): Command => ({ type: 'drill_lift', id, target, reason: `drill ${id}` });
const end = (state: 'passed' | 'failed' = 'passed', id = 'd'): Command => ({
  ...{ type: 'drill_end', id, state, report: REPORT },
});
const revive: Command = { type: 'revive', target: 'agent:x', reason: 'fixed' };

const later = (desk: Desk, ms: number): void => {
  desk.time = new Date(Date.parse(desk.time) + ms).toISOString();
};

function pressed(): Desk {
  const desk = started();
  desk.do(drill());
  desk.do(press());
  return desk;
}

describe('a drill', () => {
  test('stops as any kill does, with its own id, and lifts that', () => {
    const desk = pressed();
    expect(desk.events.at(-1)).toMatchObject({ type: 'kill', reason: 'drill d', data: { drill_id: 'd' } });
    expect(desk.state.get('kill', 'agent:x')).toMatchObject({ drill_id: 'd', mode: 'full_stop', reason: 'drill d' });
    expect(desk.do(lift())).toMatchObject({ event: { type: 'revive' }, direction: 'loosens' });
    expect(desk.state.killCount).toBe(0);
    desk.do(end());
    expect(desk.state.drills).toMatchObject({ last: [{ id: 'd', state: 'passed' }], passed_at: { stop: desk.time } });
  });

  test.each<[string, Command]>([
    ['killed', kill({ mode: 'full_stop' })],
    ['killed for some time', kill({ expiresAt: '2026-01-01T01:00:00.000Z' })],
    ['paused', kill({ mode: 'paused' })],
  ])('does not lift what somebody else has %s since', (_, touch) => {
    const desk = pressed();
    desk.do(touch, 'kim');
    expect(desk.state.get('kill', 'agent:x')).not.toHaveProperty('drill_id');
    expect(desk.refused(lift())).toEqual({ kind: 'drill_touched', target: 'agent:x', by: 'unverified:kim' });
  });

  test('lifts nothing that was stopped anew, nor by another drill, nor once it is over', () => {
    const desk = pressed();
    desk.do(revive);
    expect(desk.refusal(lift())).toBe('NOT_KILLED');
    desk.do(kill());
    expect(desk.refusal(lift())).toBe('CONFLICT');
    expect(desk.refused(lift('agent:x', 'other'))).toEqual({ kind: 'no_drill', id: 'other' });
    const over = pressed();
    over.do(end('failed'));
    expect(over.refused(lift())).toEqual({ kind: 'drill_over', id: 'd' });
    expect(over.refused(press('run:drill-d'))).toEqual({ kind: 'drill_over', id: 'd' });
  });

  test('stops nothing but its target and its own run, and nothing that is stopped', () => {
    const desk = started();
    desk.do(drill());
    for (const target of ['all', 'agent:y', 'run:drill-e'])
      expect(desk.refused(press(target))).toEqual({ kind: 'drill_stopped', target });
    desk.do(press('run:drill-d'));
    desk.do(kill());
    expect(desk.refused(press())).toEqual({ kind: 'drill_stopped', target: 'agent:x' });
    const killed = started();
    killed.do(kill());
    expect(killed.refused(drill())).toEqual({ kind: 'drill_stopped', target: 'agent:x' });
  });

  test('undoes nothing but what it has done itself', () => {
    const desk = pressed();
    desk.do(press('run:drill-d'));
    const { id = '', epoch = 0 } = desk.state.get('kill', 'run:drill-d') ?? {};
    const asked: Omit<CommandOf<'drill_rollback'>, 'target' | 'kills'> = {
      ...{ type: 'drill_rollback', drill: 'd', since: null, hash: 'a'.repeat(64), count: 1, timeoutMs: 1000 },
      ...{ performer: { id: 'e', name: 'e', lease_ms: 1 }, reason: 'drill d' },
    };
    expect(desk.refusal({ ...asked, target: 'agent:x', kills: [] })).toBe('INVALID_STATE');
    const own = { target: 'run:drill-d', kills: [{ target: 'run:drill-d', id, epoch }] };
    expect(desk.do({ ...asked, ...own }).event).toMatchObject({ type: 'rollback', data: { target: 'run:drill-d' } });
  });

  test('is one at a time, until it has said nothing for a minute and ten windows', () => {
    const desk = pressed();
    later(desk, 109_000);
    expect(desk.refused(drill({ id: 'e', target: 'agent:y' }))).toMatchObject({ kind: 'drill_running', id: 'd' });
    desk.do({ type: 'drill_step', id: 'd', step: 'roll_back' });
    later(desk, 109_000);
    expect(desk.refusal(drill({ id: 'e', target: 'agent:y' }))).toBe('INVALID_STATE');
    later(desk, 1000);
    expect(desk.refused(lift())).toEqual({ kind: 'drill_over', id: 'd' });
    desk.do(drill({ id: 'e', target: 'agent:y' }));
    expect(desk.state.drills.last).toMatchObject([
      { id: 'd', state: 'abandoned' },
      { id: 'e', state: 'running' },
    ]);
    expect(desk.state.get('kill', 'agent:x')).toMatchObject({ drill_id: 'd' });
    desk.do(revive);
    expect(desk.state.killCount).toBe(0);
  });

  test('takes what a stop takes, and gives nothing else back', () => {
    const operator: Actor = { is: 'verified', source: 'token', id: 'op', roles: ['operator'] };
    const desk = started();
    desk.do({ type: 'governance', asked: { second_person: 'killer', ladder: true }, reason: 'x' });
    for (const command of [drill(), press(), { type: 'drill_step', id: 'd', step: 'restore' } as const, lift(), end()])
      expect(desk.asks(command, operator).is).toBe('change');
    expect(desk.state.killCount).toBe(0);
    desk.do(kill({ target: 'agent:y' }));
    expect(desk.asks({ ...revive, target: 'agent:y' }, operator).is).toBe('nothing');
    const viewer: Actor = { ...operator, roles: ['viewer'] };
    expect(desk.asks(drill({ id: 'f' }), viewer)).toMatchObject({ objection: { refusal: { kind: 'role_required' } } });
  });

  test('keeps the last fifty', () => {
    const desk = started();
    for (let n = 0; n < 52; n += 1) {
      desk.do(drill({ id: `d-${n}` }));
      desk.do(end('failed', `d-${n}`));
    }
    expect([desk.state.drills.last.length, desk.state.drills.last[0]?.id]).toEqual([50, 'd-2']);
    expect(desk.state.drills.passed_at).toEqual({});
  });
});

describe('governance that asks for a drill', () => {
  function governed(asked: Partial<Governance> = {}): Desk {
    const desk = started();
    desk.do({ type: 'governance', asked: { drill_ms: 86_400_000, ...asked }, reason: 'weekly' });
    desk.do(kill({ target: 'agent:y' }));
    return desk;
  }
  const back: Command = { ...revive, target: 'agent:y' };

  test('is not met by a state that has seen none', () => {
    expect(governed().refused(back)).toEqual({ kind: 'drill_required', drill_ms: 86_400_000, passed_at: null });
  });

  test('is met by one of the kind stop that was passed, for as long as it says', () => {
    const desk = governed();
    for (const [kind, state] of [
      ['stop', 'failed'],
      ['rollback', 'passed'],
    ] as const) {
      desk.do(drill({ id: kind, kind }));
      desk.do(end(state, kind));
      expect(desk.refusal(back)).toBe('DRILL_REQUIRED');
    }
    desk.do(drill());
    desk.do(end());
    later(desk, 86_400_001);
    expect(desk.refused(back)).toMatchObject({ kind: 'drill_required', passed_at: expect.any(String) });
    later(desk, -1);
    desk.do(back);
    expect(desk.state.killCount).toBe(0);
  });

  test('is done without by who breaks the glass, where that may be', () => {
    expect(governed().refusal({ ...back, breakGlass: true })).toBe('BREAK_GLASS_OFF');
    const desk = governed({ break_glass: true });
    expect(desk.do({ ...back, breakGlass: true }).event.data).toMatchObject({ break_glass: true });
  });

  test('keeps no drill from giving back what it has stopped', () => {
    const desk = governed();
    for (const command of [drill(), press(), lift()]) desk.do(command);
    expect([...desk.state.activeKills()].map(({ target }) => target)).toEqual(['agent:y']);
  });
});

describe('a schedule', () => {
  const schedule: NonNullable<CommandOf<'drill_schedule'>['schedule']> = {
    ...{ name: 'weekly', kind: 'stop', target: null, window_ms: 5000, recipient: null },
    ...{ words: 'Mon 10:00 UTC', period_ms: 604_800_000 },
  };
  const set: CommandOf<'drill_schedule'> = { type: 'drill_schedule', name: 'weekly', schedule };

  test('is run once for each of its times, by whoever comes first', () => {
    const desk = started();
    desk.do(set);
    const due = '2026-01-05T10:00:00.000Z';
    desk.do(drill({ id: 'a', schedule: 'weekly', due }));
    desk.do(end('failed', 'a'));
    expect(desk.refused(drill({ id: 'b', schedule: 'weekly', due }))).toEqual({
      kind: 'drill_taken',
      name: 'weekly',
      due,
    });
    desk.do(drill({ id: 'b', schedule: 'weekly', due: '2026-01-12T10:00:00.000Z' }));
    expect(desk.state.drills.schedules).toMatchObject([{ name: 'weekly', taken: '2026-01-12T10:00:00.000Z' }]);
  });

  test('is removed by its name', () => {
    const desk = started();
    const off: Command = { type: 'drill_schedule', name: 'weekly', schedule: null };
    expect(desk.refusal(off)).toBe('NOT_FOUND');
    desk.do(set);
    desk.do(off);
    expect(desk.state.drills.schedules).toEqual([]);
  });
});
