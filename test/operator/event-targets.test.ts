import { expect, test } from 'vitest';
import { EVENT_TYPES, type LogEvent } from '../../flags/index.ts';
import { targetsOf } from '../../operator/event-targets.ts';
import { EVENT_FILTERS } from '../../operator/list-filters.ts';

const request = { id: 'q', action: 'mail.send', agent_id: 'bot', mission_id: 'm-1', run_id: null };
const OF_REQUEST = ['action:mail.send', 'agent:bot', 'mission:m-1'];

/** For each type of event: its data, and what it is about. */
const ABOUT: Readonly<Record<string, ReadonlyArray<readonly [LogEvent['data'], readonly string[]]>>> = {
  init: [[{ generation: 'g' }, []]],
  recover: [[{ generation: 'g' }, []]],
  snapshot: [[{ epoch: 1 }, []]],
  kill: [[{ target: 'agent:bot' }, ['agent:bot']]],
  revive: [[{ target: 'run:r' }, ['run:r']]],
  expire: [[{ target: 'all' }, ['all']]],
  stop: [[{ target: 'run:r', mode: 'paused' }, ['run:r']]],
  second: [
    [{ kind: 'kill', name: 'agent:bot' }, ['agent:bot']],
    [{ kind: 'mode', name: null }, ['all']],
    [{ kind: 'feature', name: 'f' }, ['feature:f']],
    [{ kind: 'autonomy', name: 'mail.send' }, ['action:mail.send']],
    [{ kind: 'budget', name: '10m agent:bot' }, ['agent:bot']],
    [{ kind: 'limit', name: 'max' }, []],
    [{ kind: 'rule', name: 'night' }, []],
  ],
  mode: [[{ mode: 'live' }, ['all']]],
  feature: [[{ name: 'f', stage: 'live' }, ['feature:f']]],
  limit: [[{ name: 'max', value: 1 }, []]],
  autonomy: [[{ action: 'mail.send', stage: 'trusted' }, ['action:mail.send']]],
  flags: [[{ definition: {} }, []]],
  budget: [
    [{ name: 'agent:bot', definition: null }, ['agent:bot']],
    [{ name: '10m action:mail.*', definition: {} }, ['action:mail.*']],
    [{ name: 'day', definition: {} }, ['all']],
    [{ name: 'run', definition: {} }, []],
  ],
  tripwire: [[{ name: 'repeats', definition: null }, []]],
  rule_add: [[{ name: 'night', target: 'action:infra.*' }, ['action:infra.*']]],
  rule_remove: [[{ name: 'night', target: 'all' }, ['all']]],
  rule_renew: [[{ name: 'night' }, []]],
  resolve: [
    [{ run_id: 'r', intent: 'i' }, ['run:r']],
    [{ run_id: null, intent: 'i' }, []],
  ],
  rollback: [[{ target: 'mission:m-1' }, ['mission:m-1']]],
  takeover: [[{ id: 'x' }, []]],
  approve: [[{ request }, OF_REQUEST]],
  reject: [[{ request }, OF_REQUEST]],
  escalate: [[{ requests: [request, { ...request, run_id: 'r' }] }, [...OF_REQUEST, ...OF_REQUEST, 'run:r']]],
  standing: [[{ action: 'mail.send', agent_id: 'bot', run_id: 'r' }, ['action:mail.send', 'agent:bot', 'run:r']]],
  standing_withdraw: [[{ id: 'q' }, []]],
  lapse: [[{ approvals: [], standing: [] }, []]],
  governance: [[{ rules: {} }, []]],
  request: [
    [{ change: { type: 'revive', target: 'agent:bot' } }, ['agent:bot']],
    [{ change: { type: 'feature', name: 'f', stage: 'live' } }, ['feature:f']],
    [{ change: { type: 'mode', mode: 'live' } }, ['all']],
    [{ change: { type: 'limit', name: 'max', value: 1 } }, []],
  ],
  withdraw: [[{ id: 'q' }, []]],
  drill: [[{ id: 'd', kind: 'stop', state: 'running', target: 'agent:bot' }, ['agent:bot']]],
  drill_schedule: [
    [{ name: 'weekly', schedule: { target: 'agent:bot' } }, []],
    [{ name: 'weekly', schedule: null }, []],
  ],
  alert: [[{ name: 'ops', definition: null }, []]],
  archive: [[{ events: 4 }, []]],
  undelivered: [[{ name: 'ops' }, []]],
  refused: [
    [{ command: 'kill', target: 'agnt:x' }, ['agnt:x']],
    [{ command: 'mode', target: 'mode' }, ['all']],
    [{ command: 'recover', target: null }, []],
  ],
};

test.each(EVENT_TYPES)('what an event %s is about', (type) => {
  const rows = ABOUT[type] ?? [];
  expect(rows.length).toBeGreaterThan(0);
  for (const [data, targets] of rows) {
    expect(targetsOf({ type, data })).toEqual(targets);
    const event: LogEvent = { seq: 1, at: '', actor: 'x', type, data, reason: null, prev: '', hash: '' };
    for (const target of targets) expect(EVENT_FILTERS.target(target, event)).toBe(true);
    expect(EVENT_FILTERS.target('agent:other', event)).toBe(false);
    expect(EVENT_FILTERS.agent('bot', event)).toBe(targets.includes('agent:bot'));
    expect(EVENT_FILTERS.action('mail.send', event)).toBe(targets.some((target) => target.startsWith('action:mail')));
    expect(EVENT_FILTERS.type(type, event)).toBe(true);
  }
});
