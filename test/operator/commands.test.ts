import { foundRequest } from './found-request.ts';
import { describe, expect, test } from 'vitest';
import { type Head, nextChange } from '../../flags/index.ts';
import { type Command, type CommandOf, type CommandType, entriesFor } from '../../operator/commands/index.ts';
import { Desk, kill, started, T0 } from './desk.ts';

const ONE = '2026-01-01T01:00:00.000Z';
const TWO = '2026-01-01T02:00:00.000Z';

const PERFORMER = { id: 'e', name: 'mailer', lease_ms: 5000 };

const REPORT = {
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

/** One of each, with everything that it must have. */
const COMMANDS: { readonly [T in CommandType]: CommandOf<T> } = {
  init: { type: 'init', generation: 'g1' },
  recover: { type: 'recover', generation: 'g1', givenUp: [], reason: 'disk' },
  kill: { type: 'kill', target: 'agent:x', mode: 'full_stop', expiresAt: null },
  revive: { type: 'revive', target: 'agent:x', reason: 'fixed' },
  expire: { type: 'expire', target: 'agent:x', id: 'c2', expiresAt: ONE },
  mode: { type: 'mode', mode: 'live', targeting: null, reason: 'go' },
  feature: { type: 'feature', name: 'f', stage: 'live', reason: 'go' },
  requirement: { type: 'requirement', name: 'f', asked: { runs: 5 } },
  limit: { type: 'limit', name: 'l', value: 3 },
  autonomy: { type: 'autonomy', action: 'a.b', stage: 'trusted', reason: 'go' },
  budget: { type: 'budget', scope: 'day', window: 'day', part: { usd: 50 } },
  tripwire: { type: 'tripwire', name: 't', part: { on: 'failures', limit: 3, window_ms: 60_000 } },
  stop: {
    type: 'stop',
    stop: { id: 's', target: 'run:r', epoch: 1, by: 'tripwire', name: 'repeats', value: 51, limit: 50 },
  },
  flags: { type: 'flags', definition: { flags: {} }, reason: 'go' },
  resolve: { type: 'resolve', runId: 'r', key: 'k', intent: 'i', landed: true, reason: 'seen' },
  rollback: {
    ...{ type: 'rollback', target: 'run:r', since: null, hash: 'a'.repeat(64), count: 1, timeoutMs: 30_000 },
    kills: [{ target: 'run:r', id: 'k', epoch: 1 }],
    ...{ performer: PERFORMER, reason: 'wrong' },
  },
  takeover: { type: 'takeover', id: 'b-1', performer: PERFORMER, reason: 'it died' },
  approve: { type: 'approve', found: foundRequest(), edited: null },
  reject: { type: 'reject', found: foundRequest() },
  escalate: { type: 'escalate', requests: [foundRequest().request] },
  standing: {
    ...{ type: 'standing', action: 'a.b', agentId: 'x', runId: null, match: null, times: 2 },
    until: '2026-01-02T00:00:00.000Z',
  },
  standing_withdraw: { type: 'standing_withdraw', id: 's-1' },
  lapse: { type: 'lapse', approvals: ['r-1'], standing: ['s-1'] },
  rule_add: { type: 'rule_add', name: 'r', target: 'agent:x', mode: 'paused', window: null, when: null },
  rule_remove: { type: 'rule_remove', name: 'r', reason: 'go' },
  rule_renew: { type: 'rule_renew', name: 'r' },
  snapshot: { type: 'snapshot', mark: { epoch: 1, digest: 'a'.repeat(64) } },
  archive: {
    ...{ type: 'archive', after: 0, reason: 'full' },
    part: {
      head: { generation: 'g', epoch: 1, hash: 'a'.repeat(64), recovered: false },
      ...{ events: 1, first: 'a'.repeat(64), digest: 'b'.repeat(64), file: 'c'.repeat(64) },
    },
  },
  governance: { type: 'governance', asked: { ladder: true }, reason: 'slowly' },
  withdraw: { type: 'withdraw', id: 'c2' },
  drill: {
    ...{ type: 'drill', id: 'd', kind: 'stop', target: 'agent:x', window_ms: 5000, performer: PERFORMER },
    ...{ recipient: null, schedule: null, due: null },
  },
  drill_step: { type: 'drill_step', id: 'd', step: 'press' },
  drill_end: { type: 'drill_end', id: 'd', state: 'passed', report: REPORT },
  drill_press: { type: 'drill_press', id: 'd', target: 'agent:x', reason: 'drill d' },
  drill_lift: { type: 'drill_lift', id: 'd', target: 'agent:x', reason: 'drill d' },
  drill_rollback: {
    ...{ type: 'drill_rollback', drill: 'd', target: 'run:drill-d', since: null, hash: 'a'.repeat(64), count: 1 },
    ...{ timeoutMs: 30_000, kills: [{ target: 'run:drill-d', id: 'k', epoch: 1 }] },
    ...{ performer: PERFORMER, reason: 'drill d' },
  },
  drill_schedule: { type: 'drill_schedule', name: 'weekly', schedule: null },
  alert: {
    type: 'alert',
    name: 'on-call',
    definition: {
      ...{ id: '00000000-0000-4000-8000-000000000000', via: 'url', to: 'https://hooks.test', events: ['kill'] },
      ...{ format: 'webhook', allow_private: false },
    },
  },
  alert_remove: { type: 'alert_remove', name: 'on-call', reason: 'gone' },
  undelivered: { type: 'undelivered', name: 'on-call', id: '0', count: 1, last: 'evt_1' },
  attempt: {
    type: 'attempt',
    attempted: { by: 'unverified:ann', command: 'revive', target: 'agent:x', code: 'ROLE_REQUIRED' },
    count: 1,
  },
};

describe('the entries that a command reads', () => {
  const ENTRIES: { readonly [T in CommandType]: readonly string[] } = {
    init: ['control'],
    recover: ['control', 'mode'],
    kill: ['kill:agent:x'], // and nothing that could keep somebody from stopping
    revive: ['control', 'governance', 'requests', 'drills', 'kill:agent:x', 'mode'],
    expire: ['control', 'kill:agent:x'],
    mode: ['control', 'governance', 'requests', 'drills', 'mode'],
    feature: ['control', 'governance', 'requests', 'drills', 'feature:f'],
    requirement: ['control', 'governance', 'requests', 'drills', 'feature:f'],
    limit: ['control', 'governance', 'requests', 'drills', 'limit:l'],
    autonomy: ['control', 'governance', 'requests', 'drills', 'autonomy:a.b'],
    budget: ['control', 'governance', 'requests', 'drills', 'budget:day'],
    tripwire: ['control', 'governance', 'requests', 'drills', 'tripwire:t'],
    stop: ['control', 'kill:run:r', 'tripwire:repeats', 'lifted:run:r'],
    flags: ['control', 'governance', 'requests', 'drills', 'flags'],
    resolve: ['control', 'resolutions'],
    rollback: ['control', 'rollbacks', 'kill:run:r'],
    takeover: ['control', 'rollbacks'],
    approve: ['control', 'approval:r-1'],
    reject: ['control', 'approval:r-1'],
    escalate: ['control', 'approval:r-1'],
    standing: ['control'],
    standing_withdraw: ['control', 'standing:s-1'],
    lapse: ['control', 'approval:r-1', 'standing:s-1'],
    rule_add: ['control', 'governance', 'requests', 'drills', 'rule:r', 'mode'],
    rule_remove: ['control', 'governance', 'requests', 'drills', 'rule:r', 'mode'],
    rule_renew: ['control', 'rule:r'],
    snapshot: ['control'],
    archive: ['control', 'archive'],
    governance: ['control', 'governance', 'requests', 'drills'],
    withdraw: ['control', 'requests'],
    drill: ['control', 'drills', 'kill:agent:x'],
    drill_step: ['control', 'drills'],
    drill_end: ['control', 'drills'],
    drill_press: ['control', 'kill:agent:x', 'drills'],
    drill_lift: ['control', 'kill:agent:x', 'drills'],
    drill_rollback: ['control', 'rollbacks', 'drills', 'kill:run:drill-d'],
    drill_schedule: ['control', 'drills'],
    attempt: ['control', 'refusals'],
    alert: ['control', 'alerts'],
    alert_remove: ['control', 'alerts'],
    undelivered: ['control', 'alerts'],
  };

  test.each(Object.values(COMMANDS))('are few: the one it changes, and whether all is understood: $type', (command) => {
    expect(entriesFor(command)).toEqual(ENTRIES[command.type]);
  });
});

describe('what a command records', () => {
  test.each<[CommandType, Record<string, unknown>]>([
    ['recover', { generation: 'g1', given_up: [] }],
    ['kill', { id: 'c2', target: 'agent:x', mode: 'full_stop', expires_at: null }],
    ['mode', { mode: 'live', targeting: null }],
    ['feature', { name: 'f', stage: 'live' }],
    ['limit', { name: 'l', value: 3 }],
    ['autonomy', { action: 'a.b', stage: 'trusted' }],
    [
      'budget',
      {
        name: 'day',
        definition: {
          ...{ scope: 'day', window: 'day', usd: 50, tokens: null, calls: null, time_zone: 'UTC', warn: 0.8 },
          ...{ do: 'paused', targeting: null, tiers: {} },
        },
      },
    ],
    [
      'tripwire',
      { name: 't', definition: { on: 'failures', limit: 3, window_ms: 60_000, scope: 'run', do: 'paused' } },
    ],
    [
      'stop',
      {
        id: 'c2',
        stop_id: 's',
        target: 'run:r',
        mode: 'paused',
        counted: 'run:r',
        cause: { kind: 'tripwire', name: 'repeats', value: 51, limit: 50 },
      },
    ],
    ['flags', { definition: { flags: {} } }],
    ['resolve', { intent: 'i', landed: true, run_id: 'r', idempotency_key: 'k' }],
    ['rule_add', { name: 'r', target: 'agent:x', mode: 'paused', window: null, when: null }],
    ['snapshot', { epoch: 1, digest: 'a'.repeat(64) }],
  ])('is an event of its own type, with what was asked for, and its own name: %s', (type, data) => {
    const change = started().do(COMMANDS[type]);
    expect(change).toMatchObject({ already: false, ends: null, event: { type } });
    expect(change.event.data).toEqual({ ...data, command_id: 'c2' });
  });

  test.each<CommandType>(['mode', 'feature', 'limit', 'autonomy', 'rule_add'])(
    'is a seconding where it is so already: %s',
    (type) => {
      const desk = started();
      desk.do(COMMANDS[type]);
      const key = entriesFor(COMMANDS[type]).find((each) => each === 'mode' || each.includes(':')) ?? '';
      const before = desk.state.entry(key);
      const { event, already } = desk.do(COMMANDS[type], 'dan');
      expect([event.type, already]).toEqual(['second', true]);
      expect(desk.state.entry(key)).toEqual({ ...before, epoch: 3, by: 'unverified:dan' });
    },
  );

  test.each<Command>([
    { type: 'mode', mode: 'read_only', targeting: null },
    { type: 'mode', mode: 'live', targeting: { if: [true, 'live'] }, reason: 'r' },
    { type: 'feature', name: 'f', stage: 'shadow' },
    { type: 'feature', name: 'g', stage: 'live', reason: 'r' },
    { type: 'limit', name: 'l', value: 2 },
    { type: 'limit', name: 'm', value: 3 },
    { type: 'autonomy', action: 'a.b', stage: 'human_in_the_loop' },
    { type: 'autonomy', action: 'a.c', stage: 'trusted', reason: 'r' },
  ])('is a change where anything of it is not so already: %j', (command) => {
    const desk = started();
    desk.do(COMMANDS[command.type]);
    expect(desk.do(command)).toMatchObject({ already: false, event: { type: command.type } });
  });

  test('is a seconding also of a rule whose members stand in another order: a log keeps them in an order of its own', () => {
    const rule = { some: [{ var: 'plan' }, { '===': [{ var: '' }, 'a'] }], else: 'live' };
    const turned = { else: 'live', some: [{ var: 'plan' }, { '===': [{ var: '' }, 'a'] }] };
    const desk = started();
    desk.do({ type: 'mode', mode: 'live', targeting: rule, reason: 'r' });
    expect(desk.do({ type: 'mode', mode: 'live', targeting: turned })).toMatchObject({ already: true });
    const { view } = desk;
    const data = { mode: 'live', targeting: turned };
    expect(nextChange(view, { type: 'mode', data, at: T0, actor: 'a' }).direction).toBe('neutral');
  });

  test('of the flags of the app is a change each time: what they mean is not known here', () => {
    const desk = started();
    desk.do(COMMANDS.flags);
    expect(desk.do(COMMANDS.flags)).toMatchObject({ already: false, direction: 'loosens', event: { type: 'flags' } });
  });

  test('of a base mode has no targeting where none was given', () => {
    const desk = started();
    const { event } = desk.do({ type: 'mode', mode: 'read_only', targeting: undefined });
    expect(event.data).toMatchObject({ mode: 'read_only', targeting: null });
    expect(desk.do({ type: 'mode', mode: 'read_only', targeting: undefined }).already).toBe(true);
  });

  test('needs no reason for a snapshot, or for a kill’s end by time', () => {
    const desk = started();
    expect(desk.do(COMMANDS.snapshot)).toMatchObject({ direction: 'neutral', event: { reason: null } });
    desk.do(kill({ expiresAt: ONE }));
    desk.time = ONE;
    expect(desk.do({ ...COMMANDS.expire, id: 'c3' }).event.reason).toBeNull();
  });
});

describe('init', () => {
  test('is refused with the epoch of the control plane that is there', () => {
    const desk = started();
    desk.do(kill());
    expect(desk.refused(COMMANDS.init)).toEqual({ kind: 'already_initialised', epoch: 2, place: null });
  });
});

describe('recover', () => {
  const recover = (more: Partial<CommandOf<'recover'>> = {}): Command => ({ ...COMMANDS.recover, ...more });

  test('begins a control plane where there is none only if one was seen there, or an operator says so', () => {
    const desk = new Desk();
    for (const begins of [undefined, false])
      expect(desk.refused(recover({ begins }))).toEqual({ kind: 'never_seen', place: null });
    expect(desk.do(recover({ begins: true }))).toMatchObject({
      direction: 'loosens',
      head: { generation: 'g1', recovered: true },
    });
    expect(desk.do(recover()).head.epoch).toBe(2); // and needs no such word where there is one
  });

  test('remembers whose reports of forks are not believed, until they are believed again', () => {
    const desk = started();
    const excluded = (more: Partial<CommandOf<'recover'>>): unknown => {
      const { event } = desk.do(recover(more));
      expect(event.data['excluded']).toEqual(desk.state.control?.excluded);
      return desk.state.control?.excluded;
    };
    expect(excluded({})).toBeUndefined();
    expect(excluded({ exclude: ['web-1', 'web-2'] })).toEqual(['web-1', 'web-2']);
    expect(excluded({ exclude: ['web-3', 'web-1'] })).toEqual(['web-1', 'web-2', 'web-3']);
    expect(excluded({})).toEqual(['web-1', 'web-2', 'web-3']);
    expect(excluded({ include: ['web-2', 'another'] })).toEqual(['web-1', 'web-3']);
    expect(excluded({ exclude: ['web-4'], include: ['web-4'] })).toEqual(['web-1', 'web-3']);
    expect(excluded({ include: ['web-1', 'web-3'] })).toBeUndefined();
  });

  test('is refused for an executor that has no name, and for the first such', () => {
    const desk = started();
    expect(desk.refused(recover({ exclude: ['web-1', 'a\nb', ''] }))).toEqual({
      kind: 'not_a_name',
      name: 'a\nb',
      of: 'an executor',
      problem: 'must not contain control characters',
    });
  });

  test('goes on beyond the highest epoch of all that were lost, and never back', () => {
    const desk = started();
    const lost = (epoch: number): Head => ({ generation: `g${epoch}`, epoch, hash: 'a'.repeat(64), recovered: false });
    expect(desk.do(recover({ givenUp: [lost(7), lost(20), lost(3)] })).event.seq).toBe(21);
    expect(desk.do(recover({ givenUp: [lost(5)] })).event.seq).toBe(22);
  });
});

describe('a kill', () => {
  test('is named as what killed it', () => {
    const desk = started();
    const { event } = desk.do(kill());
    expect(desk.state.get('kill', 'agent:x')?.id).toBe(event.data['id']);
    expect(desk.do(kill({ mode: 'full_stop', expiresAt: null })).already).toBe(true);
  });

  test.each<[string, Partial<CommandOf<'kill'>>, boolean]>([
    ['the same mode and the same end', { mode: 'paused', expiresAt: ONE }, false],
    ['the same mode and an earlier end', { mode: 'paused', expiresAt: '2026-01-01T00:30:00.000Z' }, false],
    ['a looser mode and the same end', { mode: 'read_only', expiresAt: ONE }, false],
    ['a stricter mode and an earlier end', { mode: 'full_stop', expiresAt: '2026-01-01T00:30:00.000Z' }, true],
    ['a looser mode and a later end', { mode: 'read_only', expiresAt: TWO }, true],
    ['the same mode and no end', { mode: 'paused', expiresAt: null }, true],
  ])('of a target that is paused for an hour already, with %s: that it adds anything is %s', (_, more, adds) => {
    const desk = started();
    desk.do(kill({ mode: 'paused', expiresAt: ONE }));
    const { event, direction } = desk.do(kill(more), 'dan');
    expect([event.type, direction]).toEqual(adds ? ['kill', 'tightens'] : ['second', 'neutral']);
  });

  test('of another target is another kill', () => {
    const desk = started();
    desk.do(kill());
    expect(desk.do(kill({ target: 'agent:y' }))).toMatchObject({ already: false, event: { type: 'kill' } });
  });

  test('without an end is not ended by one that has an end', () => {
    const desk = started();
    desk.do(kill());
    expect(desk.do(kill({ expiresAt: ONE }), 'dan').event.type).toBe('second');
    expect(desk.state.get('kill', 'agent:x')?.expires_at).toBeNull();
  });

  test('that lasts for a time ends by the store’s clock, whatever end was given beside', () => {
    const desk = started();
    desk.time = ONE;
    const { event } = desk.do(kill({ lastsMs: 3_600_000, expiresAt: null }));
    expect(event.data['expires_at']).toBe(TWO);
  });

  test('lasts for 1 ms at least, and to the end of the year 9999 at most', () => {
    const toTheLast = Date.parse('9999-12-31T23:59:59.999Z') - Date.parse(T0);
    for (const [lastsMs, end] of [
      [1, '2026-01-01T00:00:00.001Z'],
      [toTheLast, '9999-12-31T23:59:59.999Z'],
    ] as const)
      expect(started().do(kill({ lastsMs })).event.data['expires_at']).toBe(end);
    for (const lastsMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, toTheLast + 1])
      expect(started().refused(kill({ lastsMs }))).toEqual({ kind: 'end_out_of_reach', lastsMs });
  });

  test('is refused with an end that has passed, with both clocks; one that is still to come is none', () => {
    const desk = started();
    desk.time = ONE;
    for (const end of [T0, ONE])
      expect(desk.refused(kill({ expiresAt: end }))).toEqual({ kind: 'end_passed', end, now: ONE });
    expect(desk.refused(kill({ expiresAt: TWO }))).toBeNull();
  });

  test('is refused for what is no target, and as a way to make something live', () => {
    const desk = started();
    expect(desk.refused(kill({ target: 'agent:*' }))).toMatchObject({
      kind: 'not_a_target',
      problem: expect.stringMatching(/^"agent:\*" is not a target: /),
    });
    expect(desk.refused(kill({ mode: 'live' }))).toEqual({ kind: 'live_kill' });
  });
});

describe('a revive', () => {
  const revive = (target: string): Command => ({ type: 'revive', target, reason: 'fixed' });

  test('ends the kill of its target by the kill’s own id, and tells which it was', () => {
    const desk = started();
    const { event } = desk.do(kill());
    desk.do(kill({ target: 'agent:y' }));
    const was = desk.state.get('kill', 'agent:x');
    const change = desk.do(revive('agent:x'));
    expect(change).toMatchObject({ already: false, ends: was, direction: 'loosens', event: { type: 'revive' } });
    expect(change.event.data).toMatchObject({ id: event.data['id'], target: 'agent:x' });
    expect([...desk.state.activeKills()].map(({ target }) => target)).toEqual(['agent:y']);
  });

  test('is refused where its target is not killed, and where it is no target', () => {
    const desk = started();
    desk.do(kill({ target: 'agent:y' }));
    expect(desk.refused(revive('agent:x'))).toEqual({ kind: 'not_killed', target: 'agent:x' });
    expect(desk.refused(revive('x'))).toMatchObject({ kind: 'not_a_target' });
  });

  test('lifts what another version could kill, and this one cannot', () => {
    const desk = started();
    desk.do(kill());
    const active = desk.state.get('kill', 'agent:x');
    if (!active) throw new Error('It is not killed.');
    desk.state.put('kill:agent:*', { ...active, target: 'agent:*' });
    expect(desk.refused(kill({ target: 'agent:*' }))).toMatchObject({ kind: 'not_a_target' });
    desk.do(revive('agent:*'));
    expect(desk.state.killCount).toBe(1);
  });
});

describe('expire', () => {
  const killed = (): Desk => {
    const desk = started();
    desk.do(kill({ expiresAt: ONE }));
    return desk;
  };
  const expire = (more: Partial<CommandOf<'expire'>> = {}): Command => ({ ...COMMANDS.expire, ...more });

  test('ends a kill at the very end that it has, and after it', () => {
    for (const time of [ONE, TWO]) {
      const desk = killed();
      desk.time = time;
      const was = desk.state.get('kill', 'agent:x');
      const change = desk.do(expire());
      expect(change).toMatchObject({ direction: 'loosens', ends: was, event: { type: 'expire' } });
      expect(change.event.data).toEqual({ id: 'c2', target: 'agent:x', command_id: 'c3' });
      expect(desk.state.killCount).toBe(0);
    }
  });

  test('does not end a kill a moment before', () => {
    const desk = killed();
    desk.time = '2026-01-01T00:59:59.999Z';
    expect(desk.refused(expire())).toEqual({ kind: 'not_killed', target: 'agent:x' });
  });

  test('does not end another kill of the target, even where that has the same end', () => {
    const desk = killed();
    desk.do({ type: 'revive', target: 'agent:x', reason: 'fixed' });
    desk.do(kill({ expiresAt: ONE }));
    desk.time = TWO;
    expect(desk.refused(expire())).toEqual({ kind: 'not_killed', target: 'agent:x' });
  });

  test('does not end a kill that was extended since its end was judged', () => {
    const desk = killed();
    desk.do(kill({ expiresAt: TWO }), 'dan');
    desk.time = '2026-01-01T03:00:00.000Z';
    expect(desk.refused(expire())).toEqual({ kind: 'not_killed', target: 'agent:x' });
    expect(desk.refused(expire({ expiresAt: TWO }))).toBeNull();
  });

  test('does not end a kill that has no end', () => {
    const desk = started();
    desk.do(kill());
    desk.time = TWO;
    expect(desk.refused(expire({ expiresAt: null }))).toEqual({ kind: 'not_killed', target: 'agent:x' });
  });

  test('ends nothing where nothing is killed', () => {
    const desk = started();
    desk.time = TWO;
    expect(desk.refused(expire())).toEqual({ kind: 'not_killed', target: 'agent:x' });
  });
});

describe('the name of what is changed', () => {
  test.each<[Command, string, string]>([
    [{ type: 'feature', name: '', stage: 'live', reason: 'r' }, 'a feature', 'must not be empty'],
    [{ type: 'limit', name: '', value: 1 }, 'a limit', 'must not be empty'],
    [{ type: 'autonomy', action: '', stage: 'trusted', reason: 'r' }, 'an action', 'must not be empty'],
  ])('is refused with what is wrong with it: %j', (command, of, problem) => {
    expect(started().refused(command)).toEqual({ kind: 'not_a_name', name: '', of, problem });
  });

  test('of an action has no star, which the name of a pattern has', () => {
    const command: Command = { type: 'autonomy', action: 'email.*', stage: 'trusted', reason: 'r' };
    expect(started().refused(command)).toMatchObject({ kind: 'not_a_name', name: 'email.*', of: 'an action' });
  });
});
