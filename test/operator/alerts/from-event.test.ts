import { describe, expect, test } from 'vitest';
import { ALERT_EVENTS, FOLDS, type LogEvent } from '../../../flags/index.ts';
import { alertOf } from '../../../operator/alerts/from-event.ts';

const HASH = 'ab'.repeat(32);

const event = (type: string, data: Record<string, unknown>, more: Partial<LogEvent> = {}): LogEvent => ({
  ...{ seq: 9, at: '2026-01-01T00:00:00.000Z', actor: 'unverified:dana', type, data },
  ...{ reason: 'why', prev: '', hash: HASH, ...more },
});

const TARGETS = ['kill', 'stop', 'revive', 'expire', 'request', 'withdraw', 'refused', 'escalate', 'recover'];
const request = { id: 'r-1', action: 'payments.refund', agent_id: 'returns-bot' };

/** Changes that neither stop a target nor revive one: what is told of each, and what it says to look at. */
const CHANGES: ReadonlyArray<readonly [type: string, data: Record<string, unknown>, says: string, next: string]> = [
  ['mode', { mode: 'read_only', targeting: null }, 'The base mode is read_only', 'status'],
  [
    'mode',
    { mode: 'live', targeting: { if: [] } },
    'The base mode is live where no condition says otherwise',
    'status',
  ],
  ['feature', { name: 'refunds', stage: 'live' }, 'The feature refunds is live', 'features'],
  ['limit', { name: 'refund.usd', value: 200 }, 'The limit refund.usd is 200', 'limits'],
  ['autonomy', { action: 'mail.send', stage: 'trusted' }, 'The action mail.send is trusted', 'status'],
  ['budget', { name: 'day', definition: {} }, 'The budget day is set', 'budgets'],
  ['tripwire', { name: 'repeats', definition: null }, 'The tripwire repeats is removed', 'tripwires'],
  [
    ...(['rule_add', { name: 'night', target: 'agent:x', mode: 'read_only' }] as const),
    ...(['The rule night is set: agent:x is read_only in its hours', 'rules'] as const),
  ],
  ['rule_remove', { name: 'night', target: 'agent:x' }, 'The rule night of agent:x is removed', 'rules'],
  ['standing', { action: 'mail.send' }, 'A standing approval of mail.send is given', 'approvals standing'],
  ['standing_withdraw', { id: 'apr_1' }, 'The standing approval apr_1 is withdrawn', 'approvals standing'],
  ['governance', { rules: {} }, 'What giving authority back takes is another', 'governance'],
  ['drill_schedule', { name: 'weekly', schedule: null }, 'The schedule of drills weekly is removed', 'drills'],
  ['archive', { epoch: 70 }, 'The log up to epoch 70 is archived', 'log verify'],
  ['alert', { name: 'on-call', definition: null }, 'The alert on-call is removed', 'alerts'],
];

describe('what an event tells people', () => {
  test.each(CHANGES)('%s %j', (type, data, says, next) => {
    expect(alertOf(event(type, data), 'acme')).toMatchObject({
      type: 'change',
      data: { text: `${says}, by unverified:dana.`, next: `kill-switch ${next}`, details: { change: type } },
    });
    expect(alertOf(event(type, { ...data, break_glass: true }), 'acme')).toMatchObject({
      type: 'revive',
      data: { text: expect.stringMatching(/^BREAK GLASS: unverified:dana has changed /) },
    });
  });

  test.each<[LogEvent, string, string, string]>([
    [
      event('kill', { target: 'agent:x', mode: 'full_stop', expires_at: null }),
      'kill',
      'agent:x is stopped (full_stop) by unverified:dana.',
      'kill-switch revive agent:x --reason "…"',
    ],
    [
      event('stop', { target: 'all', mode: 'paused' }, { actor: 'budget:day' }),
      'budget',
      'all is stopped (paused) by budget:day.',
      'kill-switch revive all --reason "…"',
    ],
    [
      event('stop', { target: 'run:r', mode: 'paused' }, { actor: 'tripwire:repeats' }),
      'tripwire',
      'run:r is stopped (paused) by tripwire:repeats.',
      'kill-switch revive run:r --reason "…"',
    ],
    [
      event('stop', { target: 'run:r', mode: 'paused' }, { actor: 'executor:mailer' }),
      'kill',
      'run:r is stopped (paused) by executor:mailer.',
      'kill-switch revive run:r --reason "…"',
    ],
    [event('revive', { target: 'agent:x' }), 'revive', 'agent:x is revived by unverified:dana.', 'kill-switch log'],
    [
      event('revive', { target: 'agent:x', break_glass: true }),
      'revive',
      'BREAK GLASS: agent:x is revived by unverified:dana.',
      'kill-switch log',
    ],
    [
      event('mode', { mode: 'live', targeting: null, break_glass: true }),
      'revive',
      'BREAK GLASS: unverified:dana has changed mode alone.',
      'kill-switch log',
    ],
    [
      event('expire', { target: 'agent:x' }, { actor: 'system' }),
      'revive',
      'The kill of agent:x has ended by its time.',
      'kill-switch log',
    ],
    [
      event('request', { id: 'q', change: { type: 'revive', target: 'agent:x' }, expires_at: '2026-01-02T00:00:00Z' }),
      'request',
      'unverified:dana asks another person to agree to revive agent:x until 2026-01-02T00:00:00Z.',
      'kill-switch approve q',
    ],
    [event('withdraw', { id: 'q' }), 'request', 'unverified:dana has withdrawn the request q.', 'kill-switch requests'],
    [
      event('refused', { command: 'revive', target: 'agent:x', code: 'ROLE_REQUIRED', count: 3 }),
      'request',
      'unverified:dana was refused: revive of agent:x (ROLE_REQUIRED), 3 times.',
      'kill-switch log --json',
    ],
    [
      event('escalate', { requests: [request, request] }, { actor: 'system' }),
      'escalation',
      'Nobody has answered yet: payments.refund of agent:returns-bot waits, and 1 more.',
      'kill-switch approvals',
    ],
    [
      event('recover', { generation: 'g', given_up: [{}] }),
      'fork',
      'unverified:dana has accepted the store as it is (recover): what it had lost is given up.',
      'kill-switch status',
    ],
    [
      event('drill', { id: 'd-1', kind: 'stop', state: 'passed', target: 'all' }),
      'drill',
      'The drill d-1 (stop) is passed.',
      'kill-switch drills show d-1',
    ],
  ])('%j', (given, type, text, next) => {
    expect(alertOf(given, 'acme')).toMatchObject({
      ...{ id: `evt_9_${HASH.slice(0, 32)}`, type, at: given.at },
      data: { text, next, organization_id: 'acme', epoch: 9, by: given.actor, reason: 'why' },
    });
    expect(ALERT_EVENTS).toContain(type);
  });

  test('is nothing for every other kind of event, whatever it says', () => {
    const told = [...TARGETS, 'drill', ...CHANGES.map(([type]) => type)];
    for (const type of [...Object.keys(FOLDS), 'newer', '__proto__', 'constructor'])
      if (!told.includes(type)) expect([type, alertOf(event(type, { target: 'x' }), 'acme')]).toEqual([type, null]);
  });

  test('is bounded, without what looks like a secret, and never throws at odd data', () => {
    const secret = 'Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLXRleHQ';
    const long = event(
      'kill',
      { target: `agent:${'x'.repeat(5000)}`, mode: 'full_stop' },
      { reason: `token ${secret}` },
    );
    const alert = alertOf(long, 'acme');
    expect(JSON.stringify(alert).length).toBeLessThan(4000);
    expect(JSON.stringify(alert)).not.toContain('eyJzdWIi');
    for (const type of [...TARGETS, ...CHANGES.map(([each]) => each)])
      for (const data of [{}, { target: 7, requests: [7], change: 'x', mode: null }, { target: { a: true } }])
        expect(typeof alertOf(event(type, data), 'acme')?.data.text).toBe('string');
  });
});
