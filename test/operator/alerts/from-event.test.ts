import { describe, expect, test } from 'vitest';
import { ALERT_EVENTS, FOLDS, type LogEvent } from '../../../flags/index.ts';
import { alertOf } from '../../../operator/alerts/from-event.ts';

const HASH = 'ab'.repeat(32);

const event = (type: string, data: Record<string, unknown>, more: Partial<LogEvent> = {}): LogEvent => ({
  ...{ seq: 9, at: '2026-01-01T00:00:00.000Z', actor: 'unverified:dana', type, data },
  ...{ reason: 'why', prev: '', hash: HASH, ...more },
});

const request = { id: 'r-1', action: 'payments.refund', agent_id: 'returns-bot' };

describe('what an event tells people', () => {
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
    const told = ['kill', 'stop', 'revive', 'expire', 'request', 'withdraw', 'refused', 'escalate', 'recover', 'drill'];
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
    for (const type of ['kill', 'stop', 'revive', 'expire', 'request', 'withdraw', 'refused', 'escalate', 'recover'])
      for (const data of [{}, { target: 7, requests: [7], change: 'x', mode: null }, { target: { a: true } }])
        expect(typeof alertOf(event(type, data), 'acme')?.data.text).toBe('string');
  });
});
