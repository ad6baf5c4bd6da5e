import { describe, expect, test } from 'vitest';
import { frame } from '../../../../operator/cli/live/frame.ts';
import type { View } from '../../../../operator/cli/live/view.ts';
import { written } from '../../../../operator/cli/text.ts';
import type { ExecutorAcknowledgement } from '../../../../operator/acknowledge.ts';
import type { BudgetRow } from '../../../../operator/budget-rows.ts';
import { type KillRecord, type LogEvent, NO_GOVERNANCE } from '../../../../flags/index.ts';
import type { RequestRecord } from '../../../../operator/request-records.ts';
import { widest } from './rendered.ts';

const NOW = Date.parse('2030-05-06T12:00:00.000Z');
const ago = (ms: number): string => new Date(NOW - ms).toISOString();
const PLACE = { location: 'file:/srv/.kill-switch', advice: (sentence: string) => sentence };

const kill = (target: string, more: Partial<KillRecord> = {}): KillRecord => ({
  ...{ id: `id-${target}`, organization_id: 'default', target, target_type: 'agent', target_id: target.slice(6) },
  ...{ mode: 'full_stop', reason: 'wrong refunds', is_active: true, killed_by: 'dana', killed_at: ago(245_000) },
  ...{ expires_at: null, revived_by: null, revived_at: null, revive_reason: null },
  ...more,
});

const executor = (more: Partial<ExecutorAcknowledgement>): ExecutorAcknowledgement => ({
  ...{ id: 'e-1', name: 'mailer', host: 'web-3', pid: 7, epoch: 41, in_flight: 0, draining: 0, work: [], unnamed: 0 },
  ...{ state: 'stopped', age_ms: 400, lease_ms: 5000, over: false, writer: null },
  ...more,
});

const budget = (more: Partial<BudgetRow>): BudgetRow => ({
  ...{ name: 'day', scope: 'day', window: 'day', time_zone: 'UTC', counted: 'day', type: 'usd', limit: 50 },
  ...{ spent: 30, reserved: 10, left: 10, per_hour: 4, empty_at: null, warn: 0.8, do: 'paused' },
  ...{ has_tiers: false, tripped: false },
  ...more,
});

const event = (seq: number, more: Partial<LogEvent> = {}): LogEvent => ({
  ...{ seq, at: ago(60_000), actor: 'dana', type: 'kill', data: { target: 'agent:bot', mode: 'full_stop' } },
  ...{ reason: null, prev: '', hash: '' },
  ...more,
});

function view(status: Partial<View['status']> = {}, more: Partial<View> = {}): View {
  const head = { generation: 'g', epoch: 41, hash: 'h', recovered: false };
  return {
    status: {
      ...{ organization_id: 'default', mode: 'live', targeting: null, epoch: 41, head, active_kills: 0 },
      ...{ killed_since: null, kills: [], features: {}, feature_details: {}, limits: {}, autonomy: {} },
      ...{ held_approvals: 0, rules: [], budgets: [], tripwires: [], stops: [], executors: [], shared_writers: [] },
      ...{ forks: [], ignored_forks: [], excluded: [], store_problem: null },
      ...{ governance: { ...NO_GOVERNANCE, changed: null }, requests: [], operating: { last_at: null, runs: true } },
      ...{ drill: { last_at: null, overdue: false }, drills: [], drill_schedules: [] },
      alerts: { targets: 0, waiting: 0, failing: [], sending: null },
      ...status,
    },
    ...{ readAt: NOW, outage: null, oldest: null, events: [], note: '', ...more },
  };
}

const text = (seen: View, size = { columns: 100, rows: 30 }, now = NOW): string =>
  written(frame(seen, size, now, PLACE), false);

const FULL = view(
  {
    active_kills: 2,
    killed_since: ago(245_000),
    kills: [kill('agent:returns-bot', { expires_at: ago(-1_800_000) }), kill('action:payments.*', { reason: null })],
    executors: [
      executor({}),
      executor({ id: 'e-2', name: 'refunder', state: 'draining', in_flight: 2, draining: 1 }),
      executor({ id: 'e-3', name: 'digest', state: 'silent', epoch: 39, age_ms: 61_000 }),
    ],
    budgets: [budget({}), budget({ scope: 'agent:bot', counted: 'agent:bot', left: 0, spent: 50, tripped: true })],
    held_approvals: 2,
  },
  {
    oldest: { requested_at: ago(240_000), expires_at: ago(-3_360_000) },
    events: [
      event(41, { reason: 'wrong refunds' }),
      event(40, { type: 'mode', data: { mode: 'live', targeting: null } }),
    ],
  },
);

describe('a frame of the live view', () => {
  test('says how the switch stands, who has not acknowledged, what is spent and asked, and what has changed', () => {
    expect(text(FULL)).toBe(
      [
        'Mode live, epoch 41, 2 active kills since 11:55:55 UTC (4m)',
        'file:/srv/.kill-switch, organization default',
        '3 executors: 1 applied, 1 draining, 1 silent',
        '2 requests for a person, the oldest for 4m, 56m left: kill-switch approvals',
        '',
        'KILLED             MODE       SINCE  UNTIL   BY    REASON',
        'agent:returns-bot  full_stop  4m     in 30m  dana  "wrong refunds"',
        'action:payments.*  full_stop  4m     -       dana  -',
        '',
        'NOT ACKNOWLEDGED  STATE     EPOCH  IN FLIGHT  DRAINING  HEARD  PROCESS  ID',
        'digest            silent    39     0          0         61s    web-3/7  e-3',
        'refunder          draining  41     2          1         0s     web-3/7  e-2',
        '',
        'BUDGET                  SPENT                  OF  DOES',
        'agent:bot --window day  60 of 50 usd, tripped  -   paused',
        'day                     40 of 50 usd           -   paused',
        '',
        'LAST CHANGE  WHAT                 AT   BY    REASON           SEQ',
        'kill         agent:bot full_stop  60s  dana  "wrong refunds"  41',
        'mode         live                 60s  dana  -                40',
      ].join('\n'),
    );
  });

  test('says what waits for another person', () => {
    const request = { id: 'q', change: { type: 'revive', target: 'all' }, target: 'all', state: 'open', epoch: 1 };
    const asked = { asked_by: 'dana', asked_at: ago(0), expires_at: ago(-60_000), reason: null };
    expect(text(view({ requests: [{ ...request, ...asked } as RequestRecord] }))).toContain(
      '1 request for another person: kill-switch requests',
    );
  });

  test('ages tick by themselves', () => {
    expect(text(FULL, undefined, NOW + 55_000)).toContain('since 11:55:55 UTC (5m)');
    expect(text(FULL, undefined, NOW + 120_000)).toContain('in 28m');
    expect(text(FULL, undefined, NOW + 86_400_000)).toContain('since 2030-05-06 11:55:55 UTC (24h)');
  });

  test('says since when nothing is killed, where the changes that it knows say so', () => {
    const events = [event(41, { type: 'limit', data: {} }), event(40, { type: 'revive', data: {}, at: ago(9000) })];
    expect(text(view({}, { events }))).toContain('nothing is killed since 11:59:51 UTC (9s)');
    expect(text(view({}, { events: events.slice(0, 1) }))).toContain('nothing is killed\n');
    expect(text(view({}, { events: [event(1, { type: 'init', data: {} })] }))).toContain('since 11:59:00 UTC (60s)');
  });

  test.each([
    [
      { outage: { since: NOW - 9000, problem: 'Redis refused the connection.' } },
      'does not answer since 11:59:51 UTC (9s)',
    ],
    [{ outage: { since: NOW - 9000, problem: 'Redis refused the connection.' } }, 'Redis refused the connection.'],
    [{ readAt: NOW - 6000 }, 'The store does not answer since 11:59:54 UTC (6s): what is shown is older.'],
    [{ note: 'A kill is past its end.' }, 'A kill is past its end.'],
  ])('%o is said before the lists', (more, said) => {
    const lines = text(view(FULL.status, more), { columns: 160, rows: 30 }).split('\n');
    const at = lines.findIndex((line) => line.includes(said));
    expect(at).toBeGreaterThan(0);
    expect(at).toBeLessThan(lines.findIndex((line) => line.startsWith('KILLED')));
  });

  test('a fork stands out, and so does what has stopped', () => {
    const forked = view({ forks: [{ executor: 'mailer', known_as: ['mailer'], held: null }] });
    expect(frame(forked, { columns: 100, rows: 10 }, NOW, PLACE)[3]).toEqual([
      expect.objectContaining({ style: 'alarm', text: expect.stringContaining('EVERYTHING IS STOPPED') }),
    ]);
    expect(written(frame(FULL, { columns: 100, rows: 30 }, NOW, PLACE), true)).toContain('\u001b[31mfull_stop');
  });

  test('of ten thousand kills as many are shown as there is room for, and how many there are', () => {
    const kills = Array.from({ length: 200 }, (_, at) => kill(`agent:a-${at}`));
    const many = view({ active_kills: 10_000, kills, budgets: [budget({})] }, { events: FULL.events });
    const lines = text(many, { columns: 80, rows: 20 }).split('\n');
    expect(lines).toHaveLength(20);
    expect(lines).toContainEqual(expect.stringMatching(/^KILLED \(\d+ of 10000\)/));
    expect(lines.filter((line) => line.startsWith('agent:a-')).length).toBeGreaterThan(7);
    expect(lines).toContainEqual(expect.stringMatching(/^day +40 of 50 usd/));
    expect(lines.at(-1)).toMatch(/^mode/);
  });

  test('in ten rows what is killed comes first', () => {
    const lines = text(FULL, { columns: 80, rows: 10 }).split('\n');
    expect(lines).toHaveLength(10);
    expect(lines[4]).toMatch(/^KILLED \(1 of 2\)/);
    expect(lines[6]).toMatch(/^NOT ACKNOWLEDGED/);
    expect(lines[8]).toMatch(/^BUDGET/);
  });

  test('fits terminals of every size, whatever ids and texts are made of', () => {
    const odd = `agent:${'漢字'.repeat(40)}\u202e\u001b[2J👩‍👩‍👧${'x'.repeat(400)}`;
    const evil = view(
      {
        organization_id: `org\u0007${'é'.repeat(200)}`,
        active_kills: 3,
        kills: [
          kill(odd),
          kill('agent:b', { reason: `\u009b2J${'漢'.repeat(300)}` }),
          kill('agent:c', { killed_by: odd }),
        ],
        executors: [executor({ state: 'silent', name: odd, host: odd, problem: 'its\nreport \u001b]0;x\u0007' })],
        budgets: [budget({ scope: `agent:${'漢字'.repeat(200)}`, counted: odd })],
        stops: [{ target: odd, mode: 'paused', by: odd, reason: '\r\n\u0000', at: null }],
      },
      {
        outage: { since: NOW, problem: `no\u001b[31m${'route '.repeat(100)}` },
        events: [event(1, { actor: odd, data: { target: odd, mode: 'full_stop' }, reason: '\u2028\u2066' })],
      },
    );
    for (const seen of [FULL, evil, view()])
      for (let columns = 40; columns <= 300; columns += 7)
        for (let rows = 10; rows <= 60; rows += 5) {
          const lines = text(seen, { columns, rows }).split('\n');
          expect(lines.length, `${columns}x${rows}`).toBeLessThanOrEqual(rows);
          expect(widest(lines), `${columns}x${rows}`).toBeLessThanOrEqual(columns);
          expect(lines.join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/);
        }
  });
});
