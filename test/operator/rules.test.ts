import { describe, expect, onTestFinished, test } from 'vitest';
import type { Entry } from '../../flags/index.ts';
import type { CommandOf } from '../../operator/commands/index.ts';
import { isDue, renewed } from '../../operator/compiled-window.ts';
import { Renewals } from '../../operator/renewals.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { Memory, memoryStore } from '../../store/memory/index.ts';
import { connectExecutor } from '../../store/connect-executor.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import { openQuickControl } from './open-quick-control.ts';
import { started, T0 } from './desk.ts';

const DAY = 86_400_000;
const WORDS = 'Mon-Fri 18:00-08:00 Europe/Berlin';
const later = (days: number): string => new Date(Date.parse(T0) + days * DAY).toISOString();

type Add = CommandOf<'rule_add'>;
const add = (more: Partial<Add> = {}): Add => ({
  ...{ type: 'rule_add', name: 'r', target: 'action:infra.*', mode: 'full_stop', window: null, when: null },
  ...more,
});
const weekly = (words = WORDS, drainMs = 0) => ({ kind: 'weekly', words, drainMs }) as const;
const once = (from: string | null, until: string | null, more: object = {}) =>
  ({ kind: 'once', from, until, drainMs: 0, ...more }) as const;

describe('a window, when its rule is recorded', () => {
  test('is compiled by the store’s clock, nine weeks ahead, and kept in its words as well', () => {
    const desk = started();
    const { window } = desk.do(add({ window: weekly(WORDS, 900_000) })).event.data as {
      window: Entry<'rule'>['window'];
    };
    if (window?.kind !== 'weekly') throw new Error('It is not of every week.');
    expect(window).toMatchObject({ words: WORDS, since: later(-1), until: later(63), drain_ms: 900_000 });
    // 2026-01-01 is a Thursday, before which Wednesday's window is still open.
    expect(window.opens.slice(0, 4)).toEqual([
      ['2025-12-30T17:00:00.000Z', '2025-12-31T07:00:00.000Z'],
      ['2025-12-31T17:00:00.000Z', '2026-01-01T07:00:00.000Z'],
      ['2026-01-01T17:00:00.000Z', '2026-01-02T07:00:00.000Z'],
      ['2026-01-02T17:00:00.000Z', '2026-01-03T07:00:00.000Z'],
    ]);
    expect(window.opens).toHaveLength(47);
  });

  test('of one time begins at once and lasts for ever where nothing else is said', () => {
    const windowOf = (window: Add['window']): unknown => started().do(add({ window })).event.data['window'];
    expect(windowOf(once(null, later(1)))).toEqual({ kind: 'once', from: T0, until: later(1), drain_ms: 0 });
    expect(windowOf(once(later(1), null))).toEqual({ kind: 'once', from: later(1), until: null, drain_ms: 0 });
    expect(windowOf(once(null, null, { lastsMs: DAY }))).toMatchObject({ from: T0, until: later(1) });
  });

  test.each([
    ['that ends before it begins', once(later(2), later(1)), later(2)],
    ['that ends as it begins', once(later(1), later(1)), later(1)],
    ['that is over', once(later(-2), later(-1)), later(-2)],
    ['that ends now', once(null, T0), T0],
  ])('%s is refused', (_, window, from) => {
    expect(started().refused(add({ window }))).toEqual({ kind: 'never_opens', from, until: window.until, now: T0 });
  });

  test('that cannot be read is refused, and nothing is recorded', () => {
    const desk = started();
    const refused = desk.refused(add({ window: weekly('Mon 01:00-02:00 Europe/Berln') }));
    expect(refused).toMatchObject({
      kind: 'not_planned',
      problem: expect.stringMatching(/"Europe\/Berln" is not a time zone/),
    });
    expect(desk.epoch).toBe(1);
  });
});

describe('a rule', () => {
  test('cannot leave anybody live, nor stand for what no target is', () => {
    expect(started().refused(add({ mode: 'live' }))).toEqual({ kind: 'live_rule' });
    expect(started().refused(add({ target: 'bot' }))).toMatchObject({ kind: 'not_a_target' });
    expect(started().refused(add({ target: 'action:*' }))).toMatchObject({ kind: 'not_a_target' });
    expect(started().refused(add({ name: 'a\nb' }))).toMatchObject({ kind: 'not_a_name', of: 'a rule' });
  });

  test('takes no reason where it is added or restricts more, and one where it restricts less or is removed', () => {
    const desk = started();
    expect(desk.do(add({ mode: 'paused', window: weekly() })).direction).toBe('tightens');
    expect(desk.do(add({ window: weekly() })).direction).toBe('tightens');
    expect(desk.refusal(add({ mode: 'paused', window: weekly() }))).toBe('REASON_REQUIRED');
    expect(desk.refusal(add({ window: weekly('Mon 18:00-08:00 Europe/Berlin') }))).toBe('REASON_REQUIRED');
    expect(desk.refusal(add({ window: weekly(), when: { '===': [{ var: 'x' }, 1] } }))).toBe('REASON_REQUIRED');
    expect(desk.refusal({ type: 'rule_remove', name: 'r' })).toBe('REASON_REQUIRED');
    expect(desk.do(add({ window: weekly(), mode: 'read_only', reason: 'night shift' })).direction).toBe('loosens');
    expect(desk.do({ type: 'rule_remove', name: 'r', reason: 'over' })).toMatchObject({
      direction: 'loosens',
      event: { data: { name: 'r', target: 'action:infra.*' }, reason: 'over' },
    });
    expect(desk.refused({ type: 'rule_remove', name: 'r', reason: 'over' })).toEqual({ kind: 'no_rule', name: 'r' });
  });

  test('is not removed by who had read it before it was asked for again', () => {
    const desk = started();
    desk.do(add());
    expect(desk.do(add(), 'dan')).toMatchObject({ already: true, event: { type: 'second' } });
    expect(desk.refusal({ type: 'rule_remove', name: 'r', reason: 'x', epoch: 2 })).toBe('CONFLICT');
    expect(desk.do({ type: 'rule_remove', name: 'r', reason: 'x', epoch: 3 }).head.epoch).toBe(4);
  });

  test('of which no more hours are known is compiled anew by who adds it again, with a reason: it had applied always', () => {
    const desk = started();
    desk.do(add({ window: weekly() }));
    desk.time = later(14);
    expect(desk.do(add({ window: weekly() })).event.type).toBe('second');
    desk.time = later(15);
    const renewing = desk.do(add({ window: weekly() }));
    expect(renewing).toMatchObject({ direction: 'tightens', event: { type: 'rule_add' } });
    desk.time = later(78);
    expect(desk.refusal(add({ window: weekly() }))).toBe('REASON_REQUIRED');
    expect(desk.do(add({ window: weekly(), reason: 'hours again' })).direction).toBe('loosens');
  });
});

describe('the hours of a rule', () => {
  test('are compiled further ahead two weeks after they were, without a reason, and say nothing but their words', () => {
    const desk = started();
    desk.do(add({ window: weekly() }), 'ann');
    const renew = { type: 'rule_renew', name: 'r' } as const;
    desk.time = later(14);
    expect(desk.refused(renew)).toEqual({ kind: 'not_due', name: 'r' });
    desk.time = new Date(Date.parse(later(14)) + 1).toISOString();
    expect(desk.do(renew)).toMatchObject({ direction: 'loosens', event: { reason: null } });
    const rule = desk.state.get('rule', 'r');
    expect(rule).toMatchObject({ epoch: 2, by: 'unverified:ann', at: T0 }); // who had read it may still remove it
    expect(rule?.window).toMatchObject({ words: WORDS, until: new Date(Date.parse(later(77)) + 1).toISOString() });
    expect(desk.refused(renew)).toEqual({ kind: 'not_due', name: 'r' });
  });

  test('are not renewed for a rule without any, nor for one that has been replaced', () => {
    const desk = started();
    const renew = { type: 'rule_renew', name: 'r' } as const;
    expect(desk.refused(renew)).toEqual({ kind: 'not_due', name: 'r' });
    desk.do(add());
    expect(desk.refused(renew)).toEqual({ kind: 'not_due', name: 'r' });
    desk.do(add({ window: once(later(1), null), reason: 'less' }));
    desk.time = later(1000);
    expect(desk.refused(renew)).toEqual({ kind: 'not_due', name: 'r' });
  });

  test('that a wrong clock has compiled are due at once', () => {
    const desk = started();
    desk.time = later(4000);
    desk.do(add({ window: weekly() }));
    const { window = null } = desk.state.get('rule', 'r') ?? {};
    expect([later(3000), later(3998), later(3999), later(4000)].map((at) => isDue(window, Date.parse(at)))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(renewed(window, T0)).toMatchObject({ words: WORDS, until: later(63) });
  });

  test('are watched by their rules’ names', () => {
    const desk = started();
    desk.do(add({ window: weekly() }));
    const renewals = new Renewals();
    const rule = desk.state.get('rule', 'r');
    renewals.note('r', rule);
    renewals.note('always', { ...rule, window: null } as Entry<'rule'>);
    expect([renewals.due(Date.parse(T0)), renewals.due(Date.parse(later(20)))]).toEqual([[], ['r']]);
    renewals.note('r', undefined);
    expect(renewals.due(Date.parse(later(20)))).toEqual([]);
    renewals.note('r', rule);
    renewals.clear();
    expect(renewals.due(Date.parse(later(20)))).toEqual([]);
  });
});

describe('the operator’s side', () => {
  async function open(memory?: Memory) {
    const clock = fakeClock();
    const store = memoryStore({ memory: memory ?? new Memory({ clock }) });
    const control = await openQuickControl({ store: memoryControlStore(store), operator: { id: 'ann' } });
    onTestFinished(() => control.close());
    await control.init();
    await control.setMode({ mode: 'live', reason: 'launch' });
    return { control, clock, store };
  }

  test('adds rules, lists them, shows them in the status, and removes them', async () => {
    const { control, clock } = await open();
    const when = { '===': [{ var: 'environment' }, 'production'] };
    const answer = await control.addRule({
      name: 'nights',
      target: 'action:infra.*',
      mode: 'full_stop',
      window: WORDS,
      reason: 'sleep',
    });
    expect(answer).toMatchObject({
      epoch: 3,
      already: false,
      acknowledgements: { total: 0 },
      rule: {
        ...{
          name: 'nights',
          organization_id: 'default',
          target: 'action:infra.*',
          target_type: 'action',
          target_id: 'infra.*',
        },
        ...{ mode: 'full_stop', window: WORDS, from: null, until: null, drain_ms: 0, when: null, reason: 'sleep' },
        ...{ added_by: 'unverified:ann', added_at: T0, state: 'applies', next_change: '2026-01-01T07:00:00.000Z' },
        compiled_until: later(63),
      },
    });
    const launch = { from: later(1), until: new Date(later(2)), drainMs: 3_600_000 };
    await control.addRule({ name: 'launch', target: 'agent:mailer', mode: 'read_only', ...launch });
    await control.addRule({ name: 'careful', target: 'action:db.*', mode: 'approval_gated', when });
    const { data, count } = await control.rules();
    expect(data.map(({ name, state, next_change }) => [name, state, next_change])).toEqual([
      ['careful', 'applies', null],
      ['launch', 'rests', '2026-01-01T23:00:00.000Z'],
      ['nights', 'applies', '2026-01-01T07:00:00.000Z'],
    ]);
    expect([count, data[0]?.when, data[1]?.until]).toEqual([3, when, later(2)]);
    expect((await control.status()).rules).toEqual(data);
    clock.pass(23 * 3_600_000);
    expect((await control.rules({ agent: 'mailer' })).data).toMatchObject([{ state: 'drains' }]);
    clock.pass(DAY * 2);
    expect((await control.rules({ target: 'agent:mailer' })).data).toMatchObject([
      { state: 'over', next_change: null },
    ]);
    expect((await control.rules({ action: 'db.migrate' })).data.map(({ name }) => name)).toEqual(['careful']);
    expect((await control.rules({ actor: 'bob' })).count).toBe(0);
    await control.removeRule({ name: 'launch', reason: 'over' });
    expect((await control.rules({ skip: 1 })).data.map(({ name }) => name)).toEqual(['nights']);
    const said: unknown[] = [];
    for await (const { type, data: of } of control.log({ target: 'agent:mailer' })) said.push([type, of['name']]);
    expect(said).toEqual([
      ['rule_add', 'launch'],
      ['rule_remove', 'launch'],
    ]);
    expect((await control.verifyLog()).ok).toBe(true);
  });

  test('waits for executors after a rule as after a kill', async () => {
    const { control, store } = await open(new Memory());
    const { replica } = connectExecutor({ store, organizationId: 'default', leaseMs: 5000, executorName: 'x' });
    onTestFinished(() => replica.close());
    await replica.start();
    const recorded: unknown[] = [];
    const { epoch, acknowledgements } = await control.addRule({
      ...{ name: 'r', target: 'all', mode: 'paused', waitMs: 5000 },
      onRecorded: (told) => recorded.push([told.epoch, told.rule?.name]),
    });
    expect(recorded).toEqual([[epoch, 'r']]);
    expect(acknowledgements).toMatchObject({ total: 1, applied: 1 });
    expect(replica.reading({ agentId: 'a' })).toMatchObject({
      mode: 'paused',
      cause: { kind: 'rule', rule: 'r', until: null },
    });
    const loosened = await control.addRule({ name: 'r', target: 'agent:b', mode: 'paused', reason: 'only that one' });
    expect(loosened).not.toHaveProperty('acknowledgements');
  });

  test.each<[object, RegExp]>([
    [
      { window: 'Mon-Fri 18:00-08:00 Europe/Berln' },
      /"Europe\/Berln" is not a time zone that is known here\. Write one such as/,
    ],
    [{ window: 'Mon 18:00-18:00 UTC' }, /it would never be open/],
    [{ window: 5 }, /^5 is not a window/],
    [{ window: WORDS, from: T0 }, /every week, or one for one time \(from, until\), not both/],
    [{ from: later(2), until: later(1) }, /would never be open: it ends before it begins/],
    [{ until: later(-1) }, /would never be open: the store's clock says/],
    [{ until: later(1), lastsMs: 5 }, /until or lastsMs, not both/],
    [{ lastsMs: 0 }, /lastsMs is a number of more than 0/],
    [{ from: 'tomorrow' }, /"tomorrow" is not a time/],
    [{ drainMs: 5 }, /drainMs is the time before a window opens/],
    [{ window: WORDS, drainMs: -1 }, /drainMs is a number of milliseconds from 0/],
    [{ when: 'gold' }, /when is a condition of flagd as a JSON object, not "gold"/],
    [{ when: { missing: ['x'] } }, /when is a condition that has "missing"/],
    [{ when: { '===': [{ var: 'x' }, Number.NaN] } }, /when is not JSON/],
    [{ mode: 'live' }, /cannot leave its target live/],
    [{ mode: 'on' }, /"on" is not a mode/],
    [{ target: 'bot' }, /"bot" is not a target/],
    [{ name: 7 }, /7 is not the name of a rule/],
    [{ windows: WORDS }, /Did you mean "window"/],
  ])('refuses a wrong rule with what is wrong, and records nothing: %j', async (wrong, message) => {
    const { control } = await open();
    const rule = { name: 'r', target: 'all', mode: 'paused', ...wrong };
    await expect(control.addRule(rule as never)).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) }),
    );
    expect((await control.status()).epoch).toBe(2);
  });

  test('says what would be decided about a call, and by which restrictions', async () => {
    const { control } = await open();
    expect(await control.check()).toMatchObject({ verdict: 'allow', mode: 'live', epoch: 2 });
    const when = { '>': [{ var: ['cents', 0] }, 100] };
    await control.addRule({ name: 'big', target: 'action:payments.*', mode: 'approval_gated', when });
    await control.kill({ target: 'agent:bot', mode: 'read_only', reason: 'odd' });
    const call = { agentId: 'bot', action: 'payments.refund', context: { cents: 500 } };
    expect(await control.check(call)).toMatchObject({ verdict: 'block', mode: 'read_only', action: 'payments.refund' });
    expect((await control.check({ ...call, effect: 'read' })).verdict).toBe('allow');
    expect(await control.check({ ...call, agentId: 'other' })).toMatchObject({
      verdict: 'hold',
      cause: { kind: 'rule', rule: 'big', until: null },
    });
    expect((await control.check({ ...call, agentId: 'other', context: { cents: 5 } })).verdict).toBe('allow');
    expect(await control.explain(call)).toMatchObject({
      decision: { verdict: 'block', cause: { kind: 'kill' } },
      restrictions: [
        { mode: 'read_only', target: 'agent:bot', cause: { kind: 'kill', reason: 'odd' } },
        { mode: 'approval_gated', target: 'action:payments.*', cause: { kind: 'rule', rule: 'big', until: null } },
      ],
    });
    expect((await control.status()).epoch).toBe(4);
  });

  test.each<[object, RegExp]>([
    [{ agentId: '*' }, /^agentId must not be "\*"/],
    [{ action: 'a.*' }, /^action must not contain a \*/],
    [{ effect: 'delete' }, /"delete" is not an effect/],
    [{ context: { agent_id: 'x' } }, /^context has "agent_id", which says who asks/],
    [{ context: [] }, /^context is an object with the application's own attributes/],
    [{ agent: 'x' }, /Did you mean "agentId"/],
  ])('refuses a question that it cannot answer: %j', async (question, message) => {
    const { control } = await open();
    for (const ask of [control.check.bind(control), control.explain.bind(control)])
      await expect(ask(question as never)).rejects.toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) }),
      );
  });

  test('says that all is stopped where the store has lost a change', async () => {
    const { control, store } = await open();
    const { replica } = connectExecutor({ store, organizationId: 'default', leaseMs: 500, executorName: 'x' });
    onTestFinished(() => replica.close());
    await replica.start();
    const backup = store.memory.copy();
    await control.kill({ target: 'agent:a', waitMs: 5000 });
    store.memory.restore(backup);
    await expect
      .poll(() => control.check(), { timeout: 10_000 })
      .toMatchObject({
        verdict: 'block',
        cause: { kind: 'fault', code: 'GENERATION_CHANGED' },
      });
    expect((await control.explain({ agentId: 'b' })).restrictions).toMatchObject([
      { mode: 'full_stop', target: 'all' },
    ]);
  });
});
