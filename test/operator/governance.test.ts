import { describe, expect, test } from 'vitest';
import { asksForNoLess, type Governance, NO_GOVERNANCE } from '../../flags/index.ts';
import type { Command } from '../../operator/commands/index.ts';
import type { Actor } from '../../operator/operators.ts';
import { ChangeRefusedError } from '../../operator/refusals.ts';
import { type Desk, kill, started } from './desk.ts';

/** What becomes of a command: `done`, `pending`, or the code of its refusal. */
function outcome(desk: Desk, command: Command, actor: Actor | string): string {
  const plan = desk.asks(command, actor);
  if (plan.is === 'change') return 'done';
  return plan.objection.is === 'refused' ? new ChangeRefusedError(plan.objection.refusal).code : plan.objection.is;
}

const revive = (more: Partial<Extract<Command, { type: 'revive' }>> = {}): Command => ({
  type: 'revive',
  target: 'agent:x',
  reason: 'fixed',
  ...more,
});
const mode = (to: Extract<Command, { type: 'mode' }>['mode'], targeting: unknown = null): Command => ({
  type: 'mode',
  mode: to,
  targeting,
  reason: 'x',
});

function governed(asked: Partial<Governance>): Desk {
  const desk = started();
  desk.do(mode('live'));
  desk.do({ type: 'governance', asked, reason: 'the board' });
  desk.do(kill(), 'kim');
  return desk;
}

const openIds = (desk: Desk): string[] => (desk.state.get('requests')?.open ?? []).map(({ id }) => id);

const minutes = (desk: Desk, more: number): void => {
  desk.time = new Date(Date.parse(desk.time) + more * 60_000).toISOString();
};

describe('governance', () => {
  test('is one event, for administrators, with a reason in either direction', () => {
    const desk = started();
    const ladder: Command = { type: 'governance', asked: { ladder: true } };
    expect(desk.refusal(ladder)).toBe('REASON_REQUIRED');
    expect(desk.do({ ...ladder, reason: 'slowly' })).toMatchObject({ direction: 'tightens' });
    expect(desk.do({ type: 'governance', asked: { ladder: true }, reason: 'again' }).already).toBe(true);
    expect(desk.do({ type: 'governance', asked: { ladder: false }, reason: 'fast' })).toMatchObject({
      direction: 'loosens',
      event: { type: 'governance', data: { rules: { ladder: false, second_person: 'off' } } },
    });
  });

  test.each<[Partial<Governance>, Partial<Governance>]>([
    [{ second_person: 'asker' }, { second_person: 'killer' }],
    [{ ladder: false }, { ladder: true }],
    [{ dwell_ms: 0 }, { dwell_ms: 1000 }],
    [{ drill_ms: null }, { drill_ms: 86_400_000 }],
    [{ drill_ms: 2 * 86_400_000 }, { drill_ms: 86_400_000 }],
    [{ break_glass: true }, { break_glass: false }],
    [{ pending_expires_ms: 3_600_000 }, { pending_expires_ms: 60_000 }],
    [{ restore_roles: {} }, { restore_roles: { live: ['admin'] } }],
    [{ restore_roles: { live: ['admin', 'restorer'] } }, { restore_roles: { live: ['admin'] } }],
  ])('%j asks for less than %j', (less, more) => {
    const [one, other] = [less, more].map((asked) => ({ ...NO_GOVERNANCE, ...asked })) as [Governance, Governance];
    expect([asksForNoLess(one, other), asksForNoLess(other, one), asksForNoLess(one, one)]).toEqual([
      true,
      false,
      true,
    ]);
  });

  test('that asks for a second person is loosened by two people only', () => {
    const desk = governed({ second_person: 'asker' });
    const off: Command = { type: 'governance', asked: { second_person: 'off' }, reason: 'alone' };
    expect(outcome(desk, off, 'ann')).toBe('pending');
    expect(desk.state.get('governance')?.second_person).toBe('asker');
    expect(outcome(desk, { ...off, reason: 'agreed' }, 'ben')).toBe('done');
    expect(desk.state.get('governance')?.second_person).toBe('off');
  });

  test('keeps nobody from stopping', () => {
    const desk = governed({ second_person: 'killer', ladder: true, dwell_ms: 60_000, drill_ms: 60_000 });
    for (const stop of [kill({ target: 'all' }), mode('full_stop'), kill({ target: 'agent:q', mode: 'paused' })])
      expect(outcome(desk, stop, 'ann')).toBe('done');
  });
});

describe('a second person', () => {
  test('is asked, and agrees by asking for the same', () => {
    const desk = governed({ second_person: 'killer' });
    const plan = desk.asks(revive({ reason: 'rule fixed' }), 'ann');
    expect(plan).toMatchObject({ is: 'instead', objection: { is: 'pending', request: { id: expect.any(String) } } });
    expect(desk.events.at(-1)).toMatchObject({
      type: 'request',
      reason: 'rule fixed',
      data: { change: { type: 'revive', target: 'agent:x' } },
    });
    expect(desk.state.killCount).toBe(1);
    const [id] = openIds(desk);
    expect(outcome(desk, revive({ reason: 'looked at it' }), 'ben')).toBe('done');
    expect(desk.events.at(-1)).toMatchObject({ type: 'revive', data: { request_id: id } });
    expect(desk.state.killCount).toBe(0);
    expect(openIds(desk)).toEqual([]);
  });

  test('is not who has asked, under whatever writing or proof of the name, and a repeat is the same request', () => {
    const desk = governed({ second_person: 'asker' });
    outcome(desk, revive(), 'ann');
    const before = desk.epoch;
    const token: Actor = { is: 'verified', source: 'token', id: 'ANN', roles: ['restorer'] };
    for (const actor of ['ann', 'Ann', 'ａnn', token]) {
      const plan = desk.asks(revive(), actor);
      expect(plan).toMatchObject({ is: 'nothing', objection: { is: 'pending', request: { id: openIds(desk)[0] } } });
    }
    expect(desk.epoch).toBe(before);
  });

  test('is not who has killed, where governance says so', () => {
    const desk = governed({ second_person: 'killer' });
    outcome(desk, revive(), 'ann');
    expect(outcome(desk, revive(), 'kim')).toBe('SECOND_PERSON_REQUIRED');
    const other = governed({ second_person: 'asker' });
    outcome(other, revive(), 'ann');
    expect(outcome(other, revive(), 'kim')).toBe('done');
  });

  const limit = (value: number): Command => ({ type: 'limit', name: 'l', value, reason: 'x' });
  const autonomy = (stage: Extract<Command, { type: 'autonomy' }>['stage']): Command => ({
    ...{ type: 'autonomy', action: 'mail.send', stage, reason: 'x' },
  });
  const budget = (usd: number): Command => ({
    ...{ type: 'budget', scope: 'run', window: 'total', part: { usd }, reason: 'x' },
  });
  test.each<[what: string, first: Command, stricter: Command, back: Command, isWhole: boolean]>([
    ['kill', kill({ mode: 'draft_only' }), kill({ mode: 'read_only' }), revive(), true],
    [
      'kill with an end',
      kill({ target: 'agent:y', lastsMs: 60_000 }),
      kill({ target: 'agent:y' }),
      revive({ target: 'agent:y' }),
      true,
    ],
    ['mode', mode('draft_only'), mode('read_only'), mode('live'), true],
    ['limit', limit(5), limit(3), limit(9), false],
    ['stage of autonomy', autonomy('human_on_the_loop'), autonomy('human_in_the_loop'), autonomy('trusted'), true],
    ['budget', budget(5), budget(3), budget(9), false],
  ])(
    'is nobody who has restricted a %s before somebody else made it stricter',
    (_what, first, stricter, back, isWhole) => {
      const desk = started();
      desk.do(mode('live'));
      desk.do(limit(50));
      desk.do(budget(50));
      desk.do(autonomy('trusted'));
      desk.do({ type: 'governance', asked: { second_person: 'killer' }, reason: 'the board' });
      expect(outcome(desk, first, 'kim')).toBe('done');
      expect(outcome(desk, stricter, 'lee')).toBe('done');
      expect(outcome(desk, back, 'ann')).toBe('pending');
      for (const one of ['kim', 'lee']) expect(outcome(desk, back, one), one).toBe('SECOND_PERSON_REQUIRED');
      expect(outcome(desk, back, 'ben')).toBe('done');
      // Where it is whole, what they had done is over from then on; a value may be restricted still.
      expect(outcome(desk, first, 'mia')).toBe('done');
      expect(outcome(desk, back, 'ann')).toBe('pending');
      expect(outcome(desk, back, 'mia')).toBe('SECOND_PERSON_REQUIRED');
      expect(outcome(desk, back, 'kim')).toBe(isWhole ? 'done' : 'SECOND_PERSON_REQUIRED');
    },
  );

  test('may be somebody who has only repeated a stop: they have taken nothing away', () => {
    const desk = governed({ second_person: 'killer' });
    expect(desk.do(kill(), 'lee').already).toBe(true);
    outcome(desk, revive(), 'ann');
    expect(outcome(desk, revive(), 'kim')).toBe('SECOND_PERSON_REQUIRED');
    expect(outcome(desk, revive(), 'lee')).toBe('done');
  });

  test('is nobody who has restricted it while it is given back step by step', () => {
    const desk = governed({ second_person: 'killer', ladder: true });
    outcome(desk, mode('full_stop'), 'kim');
    outcome(desk, mode('read_only'), 'ann');
    expect(outcome(desk, mode('read_only'), 'kim')).toBe('SECOND_PERSON_REQUIRED');
    expect(outcome(desk, mode('read_only'), 'ben')).toBe('done');
    outcome(desk, mode('draft_only'), 'ann');
    expect(outcome(desk, mode('draft_only'), 'kim')).toBe('SECOND_PERSON_REQUIRED');
  });

  test('may be anybody where a budget has stopped it, also somebody of its name', () => {
    const desk = governed({ second_person: 'killer' });
    desk.asks({ type: 'budget', scope: 'run', window: 'total', part: { usd: 5 } }, 'ann');
    const name = String(desk.events.at(-1)?.data['name']);
    const stop = { id: 's', target: 'run:r', epoch: desk.epoch, by: 'budget', name, spent: 6, limit: 5 } as never;
    desk.asks({ type: 'stop', stop, reason: 'spent' }, { is: 'stop', by: 'budget', name });
    outcome(desk, revive({ target: 'run:r' }), 'ann');
    expect(outcome(desk, revive({ target: 'run:r' }), 'ben')).not.toBe('SECOND_PERSON_REQUIRED');
  });

  test('agrees by the id of the request, which the asking person cannot', () => {
    const desk = governed({ second_person: 'asker' });
    outcome(desk, revive(), 'ann');
    const [grants = ''] = openIds(desk);
    expect(outcome(desk, revive({ grants }), 'ann')).toBe('SECOND_PERSON_REQUIRED');
    expect(outcome(desk, revive({ grants: 'another' }), 'ben')).toBe('NOT_FOUND');
    expect(outcome(desk, revive({ grants }), 'ben')).toBe('done');
  });

  test('is asked anew where the target was restricted, tightened or seconded since', () => {
    for (const since of [kill({ mode: 'full_stop', target: 'agent:x' }), kill({ expiresAt: null })]) {
      const desk = governed({ second_person: 'asker' });
      const read = desk.epoch;
      expect(outcome(desk, revive({ epoch: read }), 'ann')).toBe('pending');
      const [first] = openIds(desk);
      desk.asks(since, 'kim');
      expect(outcome(desk, revive({ grants: first as string, epoch: desk.epoch }), 'ben')).toBe('NOT_FOUND');
      expect(outcome(desk, revive({ epoch: desk.epoch }), 'ben')).toBe('pending');
      expect(desk.state.killCount).toBe(1);
      expect(openIds(desk)).toHaveLength(1);
      expect(openIds(desk)).not.toContain(first);
      expect(outcome(desk, revive({ epoch: desk.epoch }), 'ann')).toBe('done');
    }
  });

  test('whose own reading is too old is refused like anybody', () => {
    const desk = governed({ second_person: 'asker' });
    expect(outcome(desk, revive({ epoch: 1 }), 'ann')).toBe('CONFLICT');
    outcome(desk, revive(), 'ann');
    expect(outcome(desk, revive({ epoch: 1 }), 'ben')).toBe('CONFLICT');
  });

  test('comes too late where the request has expired, which then is none', () => {
    const desk = governed({ second_person: 'asker', pending_expires_ms: 60_000 });
    outcome(desk, revive(), 'ann');
    minutes(desk, 1);
    expect(outcome(desk, revive(), 'ben')).toBe('pending');
    expect(openIds(desk)).toHaveLength(1);
  });

  test('is asked for everything that gives authority back, each by its own request', () => {
    const desk = governed({ second_person: 'asker' });
    desk.do(mode('read_only'));
    desk.do({ type: 'limit', name: 'l', value: 1 });
    desk.do({ type: 'rule_add', name: 'r', target: 'agent:y', mode: 'paused', window: null, when: null });
    const loosenings: readonly Command[] = [
      mode('live'),
      mode('draft_only'),
      { type: 'limit', name: 'l', value: 5, reason: 'x' },
      { type: 'feature', name: 'f', stage: 'live', reason: 'x' },
      { type: 'rule_remove', name: 'r', reason: 'x' },
      { type: 'autonomy', action: 'a.b', stage: 'trusted', reason: 'x' },
      { type: 'flags', definition: { flags: {} }, reason: 'x' },
      { type: 'requirement', name: 'f', asked: { runs: 0 }, reason: 'x' },
    ];
    const asked = loosenings.filter((each) => outcome(desk, each, 'ann') === 'pending');
    expect(asked.map(({ type }) => type)).toEqual(loosenings.slice(0, -1).map(({ type }) => type));
    expect(openIds(desk)).toHaveLength(asked.length);
    expect(outcome(desk, mode('test_mode'), 'ben')).toBe('pending'); // another one than was asked for
    expect(outcome(desk, mode('draft_only'), 'ben')).toBe('done');
  });

  test('is not asked where it is off', () => {
    const desk = governed({ second_person: 'off' });
    expect(outcome(desk, revive(), 'kim')).toBe('done');
  });

  test('may be withdrawn by whoever may stop', () => {
    const desk = governed({ second_person: 'asker' });
    outcome(desk, revive(), 'ann');
    const [id = ''] = openIds(desk);
    const viewer: Actor = { is: 'verified', source: 'token', id: 'v', roles: ['viewer'] };
    expect(outcome(desk, { type: 'withdraw', id }, viewer)).toBe('ROLE_REQUIRED');
    expect(outcome(desk, { type: 'withdraw', id }, 'kim')).toBe('done');
    expect(outcome(desk, { type: 'withdraw', id }, 'kim')).toBe('NOT_FOUND');
    expect(outcome(desk, revive(), 'ben')).toBe('pending');
  });

  test('waits for at most twenty requests of one person, and for none that is too long', () => {
    const desk = governed({ second_person: 'asker' });
    for (let i = 0; i < 20; i += 1)
      outcome(desk, { type: 'autonomy', action: `a.b${i}`, stage: 'trusted', reason: 'x' }, 'ann');
    expect(openIds(desk)).toHaveLength(20);
    expect(outcome(desk, revive(), 'ann')).toBe('INVALID_STATE');
    expect(outcome(desk, revive(), 'ben')).toBe('pending');
    const definition = { flags: {}, note: 'x'.repeat(70_000) };
    expect(outcome(desk, { type: 'flags', definition, reason: 'x' }, 'ben')).toBe('INVALID_ARGUMENT');
  });

  test('does not agree under looser governance than it was asked under', () => {
    const desk = governed({ second_person: 'asker', ladder: true });
    outcome(desk, revive(), 'ann');
    const [grants = ''] = openIds(desk);
    const off: Command = { type: 'governance', asked: { ladder: false }, reason: 'x' };
    outcome(desk, off, 'ben');
    expect(outcome(desk, off, 'cy')).toBe('done');
    expect(openIds(desk)).toEqual([]);
    expect(outcome(desk, revive({ grants }), 'ben')).toBe('NOT_FOUND');
  });

  test('waits for at most a hundred requests', () => {
    const desk = governed({ second_person: 'asker' });
    for (let i = 0; i < 100; i += 1)
      expect(outcome(desk, { type: 'limit', name: `l${i}`, value: 1 }, 'ann')).toBe('done');
    for (let i = 0; i < 100; i += 1) {
      const asks = { type: 'limit', name: `l${i}`, value: 2, reason: 'x' } as const;
      expect(outcome(desk, asks, `p${Math.floor(i / 20)}`)).toBe('pending');
    }
    expect(outcome(desk, revive(), 'ann')).toBe('INVALID_STATE');
    expect(outcome(desk, { type: 'limit', name: 'l7', value: 2, reason: 'x' }, 'ben')).toBe('done');
    expect(outcome(desk, revive(), 'ann')).toBe('pending');
  });
});

describe('the ladder', () => {
  const steps = ['read_only', 'draft_only', 'test_mode', 'approval_gated'];

  test('lifts a kill step by step, each after its dwell', () => {
    const desk = governed({ ladder: true, dwell_ms: 600_000 });
    for (const step of steps) {
      expect(outcome(desk, revive(), 'ann')).toBe('done');
      expect(desk.state.get('kill', 'agent:x')).toMatchObject({ mode: step, killed_by: 'unverified:kim' });
      expect(outcome(desk, revive(), 'ann')).toBe('DWELL_REQUIRED');
      minutes(desk, 10);
    }
    expect(outcome(desk, revive(), 'ann')).toBe('done');
    expect(desk.state.killCount).toBe(0);
  });

  test('is climbed down at once, and a stop on the way begins it anew', () => {
    const desk = governed({ ladder: true, dwell_ms: 600_000 });
    outcome(desk, revive(), 'ann');
    expect(outcome(desk, kill(), 'kim')).toBe('done');
    expect(desk.state.get('kill', 'agent:x')).toMatchObject({ mode: 'full_stop' });
    expect(outcome(desk, revive(), 'ann')).toBe('done'); // nothing ran at full_stop that there was to be watched
    expect(desk.state.get('kill', 'agent:x')).toMatchObject({ mode: 'read_only' });
  });

  test('is not shortened by a kill that only lasts longer', () => {
    const desk = governed({ ladder: true, dwell_ms: 600_000 });
    desk.do(kill({ target: 'agent:q', expiresAt: '2026-01-01T05:00:00.000Z' }));
    outcome(desk, revive({ target: 'agent:q' }), 'ann');
    desk.do(kill({ target: 'agent:q', mode: 'read_only', expiresAt: null }));
    expect(outcome(desk, revive({ target: 'agent:q' }), 'ann')).toBe('DWELL_REQUIRED');
  });

  test('holds for the base mode, which names its step', () => {
    const desk = governed({ ladder: true });
    desk.do(mode('full_stop'));
    expect(outcome(desk, mode('draft_only'), 'ann')).toBe('STEP_REQUIRED');
    for (const step of steps) expect(outcome(desk, mode(step as never), 'ann')).toBe('done');
    expect(outcome(desk, mode('live'), 'ann')).toBe('done');
  });

  test('lifts a pause to what stood before it', () => {
    const desk = governed({ ladder: true });
    desk.do(mode('test_mode'));
    desk.do(mode('paused'));
    expect(outcome(desk, mode('approval_gated'), 'ann')).toBe('STEP_REQUIRED');
    expect(outcome(desk, mode('test_mode'), 'ann')).toBe('done');
    desk.do(kill({ target: 'agent:p', mode: 'paused' }));
    expect(outcome(desk, revive({ target: 'agent:p' }), 'ann')).toBe('done');
    expect(desk.state.get('kill', 'agent:p')).toBeUndefined();
    desk.do(kill({ target: 'agent:p', mode: 'read_only' }));
    desk.do(kill({ target: 'agent:p', mode: 'paused' })); // in the same millisecond
    outcome(desk, revive({ target: 'agent:p' }), 'ann');
    expect(desk.state.get('kill', 'agent:p')).toMatchObject({ mode: 'read_only' });
  });

  test('counts a rule of the base mode as the strictest where it ends, as the loosest where it begins', () => {
    const desk = governed({ ladder: true });
    desk.do(mode('read_only'));
    const rule = { if: [{ '==': [{ var: 'agent_id' }, 'x'] }, 'draft_only', 'read_only'] };
    expect(outcome(desk, mode('read_only', rule), 'ann')).toBe('STEP_REQUIRED');
    expect(outcome(desk, { ...mode('read_only', rule), breakGlass: true } as Command, 'ann')).toBe('BREAK_GLASS_OFF');
  });

  test('holds for features, by the stage that goes furthest', () => {
    const desk = governed({ ladder: true, dwell_ms: 60_000 });
    const feature = (stage: string, targeting?: unknown): Command =>
      ({ type: 'feature', name: 'f', stage, targeting, reason: 'x' }) as Command;
    expect(outcome(desk, feature('gated'), 'ann')).toBe('STEP_REQUIRED');
    expect(outcome(desk, feature('shadow'), 'ann')).toBe('done');
    expect(outcome(desk, feature('gated'), 'ann')).toBe('DWELL_REQUIRED');
    minutes(desk, 1);
    expect(outcome(desk, feature('gated'), 'ann')).toBe('done');
    minutes(desk, 1);
    const some = { if: [{ in: [{ var: 'account_id' }, ['acme']] }, 'live', 'gated'] };
    expect(outcome(desk, feature('gated', some), 'ann')).toBe('done');
  });

  test('is on only from when it was put up', () => {
    const desk = governed({});
    desk.do(mode('read_only'));
    expect(outcome(desk, mode('live'), 'ann')).toBe('done');
    expect(desk.state.mode).not.toHaveProperty('loosened_at');
  });
});

describe('who may restore a mode', () => {
  const restorer: Actor = { is: 'verified', source: 'token', id: 'rae', roles: ['restorer'] };

  test('is whoever governance names, and administrators', () => {
    const desk = governed({ restore_roles: { live: ['approver'] } });
    expect(outcome(desk, revive(), restorer)).toBe('ROLE_REQUIRED'); // what is left of it then is live
    expect(outcome(desk, { type: 'feature', name: 'f', stage: 'live', reason: 'x' }, restorer)).toBe('ROLE_REQUIRED');
    expect(outcome(desk, { type: 'feature', name: 'f', stage: 'shadow', reason: 'x' }, restorer)).toBe('done');
    desk.do(mode('read_only'));
    expect(outcome(desk, revive(), restorer)).toBe('done');
    expect(outcome(desk, mode('draft_only'), restorer)).toBe('done');
    expect(outcome(desk, mode('live'), restorer)).toBe('ROLE_REQUIRED');
    expect(outcome(desk, mode('live'), 'ann')).toBe('done');
  });

  test('is asked for what a rule has held that is removed, or replaced by one that holds less', () => {
    const rule = (more: object): Command =>
      ({
        type: 'rule_add',
        name: 'r',
        target: 'agent:y',
        mode: 'read_only',
        window: null,
        when: null,
        ...more,
      }) as Command;
    for (const less of [
      rule({ target: 'agent:nobody', reason: 'x' }),
      rule({ when: { '===': [1, 2] }, reason: 'x' }),
      { type: 'rule_remove', name: 'r', reason: 'x' } as const,
      { type: 'autonomy', action: 'a.b', stage: 'trusted', reason: 'x' } as const,
    ]) {
      const desk = governed({ restore_roles: { live: ['admin'] } });
      desk.do(rule({}));
      expect([less.type, outcome(desk, less, restorer)]).toEqual([less.type, 'ROLE_REQUIRED']);
      expect(outcome(desk, less, 'ann')).toBe('done');
    }
  });

  test('counts a rule that answers by context as live', () => {
    const desk = governed({ restore_roles: { live: ['admin'] } });
    desk.do(mode('read_only'));
    expect(outcome(desk, mode('read_only', { if: [true, 'draft_only', 'read_only'] }), restorer)).toBe('ROLE_REQUIRED');
  });
});

describe('breaking the glass', () => {
  test('is off by default', () => {
    const desk = governed({ second_person: 'killer' });
    expect(outcome(desk, revive({ breakGlass: true }), 'ann')).toBe('BREAK_GLASS_OFF');
  });

  test('lets one person do it alone, whole, with a reason, and says so in the log', () => {
    const desk = governed({
      ...{ second_person: 'killer', ladder: true, dwell_ms: 60_000, drill_ms: 60_000, break_glass: true },
      restore_roles: { live: ['admin'] },
    });
    expect(outcome(desk, revive({ breakGlass: true, reason: undefined }), 'kim')).toBe('REASON_REQUIRED');
    const restorer: Actor = { is: 'verified', source: 'token', id: 'rae', roles: ['restorer'] };
    expect(outcome(desk, revive({ breakGlass: true }), restorer)).toBe('ROLE_REQUIRED');
    expect(outcome(desk, revive({ breakGlass: true }), 'kim')).toBe('done');
    expect(desk.events.at(-1)).toMatchObject({ type: 'revive', data: { break_glass: true } });
    expect(desk.state.killCount).toBe(0);
  });

  test('is said of nothing that takes authority away', () => {
    const desk = governed({ break_glass: true });
    outcome(desk, { ...mode('full_stop'), breakGlass: true } as Command, 'ann');
    expect(desk.events.at(-1)?.data).not.toHaveProperty('break_glass');
  });
});
