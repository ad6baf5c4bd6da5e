import { boundRequest } from './approval-requests.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AUTONOMY_STAGES,
  type Direction,
  type EventType,
  FEATURE_STAGES,
  FOLDS,
  type EntryKind,
  foldEvent,
  GENESIS,
  type LogEvent,
  MODES,
  nextChange,
  NO_GOVERNANCE,
  parseEvent,
  resolveMode,
  restrictionFor,
  sealEvent,
  State,
  stateFrom,
  strictness,
} from '../../flags/index.ts';
import { IDS, NOW, ruleTermsArbitrary } from './arbitraries.ts';

const at = '2026-01-01T00:00:00Z';

/** Folds one more event into the state, as every store does. */
function apply(state: State, type: string, data: Record<string, unknown>, reason: string | null = null): Direction {
  const prev = state.hash || GENESIS;
  const event: LogEvent = sealEvent({ seq: state.epoch + 1, at, actor: 'dana', type, data, reason, prev });
  return state.take(event).direction;
}

function initialised(): State {
  const state = new State();
  apply(state, 'init', { generation: 'g1' });
  return state;
}

const killOf = (target: string, mode: string, changes: object = {}) => ({
  id: `k ${target}`,
  target,
  mode,
  expires_at: null,
  ...changes,
});

describe('the fold', () => {
  test('starts in draft_only', () => {
    const state = initialised();
    expect(state.mode.mode).toBe('draft_only');
    expect(state.head).toEqual({ generation: 'g1', epoch: 1, hash: state.hash, recovered: false });
    expect(new State().head).toBeNull();
  });

  test('keeps of two kills of one target the stricter mode, the later end, and the id and time of the first', () => {
    const state = initialised();
    expect(apply(state, 'kill', killOf('agent:a', 'paused', { expires_at: '2026-01-02T00:00:00Z' }), 'odd')).toBe(
      'tightens',
    );
    apply(state, 'kill', killOf('agent:a', 'read_only', { id: 'k2', expires_at: null }));
    expect(state.kills.agent.get('a')).toEqual({
      id: 'k agent:a',
      target: 'agent:a',
      mode: 'paused',
      reason: 'odd',
      killed_by: 'dana',
      killed_at: at,
      expires_at: null,
      epoch: 3,
      by: 'dana',
      at,
    });
  });

  test('says of a kill who made it stricter last and why, and since when its target is killed', () => {
    const state = initialised();
    const by = (actor: string, time: string, reason: string | null, mode: string): void => {
      const data = killOf('agent:a', mode, { id: `k of ${actor}` });
      state.take(nextChange(state, { type: 'kill', data, at: time, actor, reason }).event);
    };
    by('ann', at, null, 'read_only');
    by('dan', '2026-01-01T00:00:09Z', 'worse than it looked', 'full_stop');
    expect(state.get('kill', 'agent:a')).toMatchObject({
      ...{ id: 'k of ann', mode: 'full_stop', reason: 'worse than it looked', killed_at: at },
      ...{ killed_by: 'dan', by: 'dan', at: '2026-01-01T00:00:09Z', epoch: 3 },
    });
  });

  test('ends a kill only by its own id, so a late revive does not lift the kill that came after it', () => {
    const state = initialised();
    apply(state, 'kill', killOf('agent:a', 'full_stop'));
    expect(apply(state, 'revive', { id: 'another', target: 'agent:a' })).toBe('neutral');
    expect(state.killCount).toBe(1);
    expect(apply(state, 'expire', { id: 'k agent:a', target: 'agent:a' })).toBe('loosens');
    expect(state.killCount).toBe(0);
    expect(apply(state, 'revive', { id: 'k agent:a', target: 'agent:a' })).toBe('neutral');
  });

  test('takes a snapshot event, which changes nothing', () => {
    const state = initialised();
    const before = new Map(state.entries());
    expect(apply(state, 'snapshot', { epoch: 1, digest: 'a'.repeat(64) })).toBe('neutral');
    expect(new Map(state.entries())).toEqual(before);
    expect(() => apply(state, 'snapshot', { epoch: 1, digest: 'a' })).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_EVENT' }),
    );
  });

  test('moves the last change of a seconded restriction on, and changes nothing else', () => {
    const state = initialised();
    apply(state, 'kill', killOf('agent:a', 'full_stop'));
    const before = state.kills.agent.get('a');
    expect(apply(state, 'second', { kind: 'kill', name: 'agent:a' })).toBe('neutral');
    expect(state.kills.agent.get('a')).toEqual({ ...before, epoch: 3 });
    expect(apply(state, 'second', { kind: 'feature', name: 'unknown' })).toBe('neutral');
    expect(state.features.size).toBe(0);
  });

  test('goes on after a recovery with what was restricted, in a generation that names all before it', () => {
    const state = initialised();
    apply(state, 'kill', killOf('agent:a', 'full_stop'));
    apply(state, 'mode', { mode: 'live', targeting: null });
    const given = { generation: 'g0', epoch: 9, hash: GENESIS, recovered: false };
    expect(apply(state, 'recover', { generation: 'g2', given_up: [given] })).toBe('loosens');
    expect(state.control).toMatchObject({ generation: 'g2', generations: ['g1', 'g0', 'g2'], recovered: true });
    expect([state.killCount, state.mode.mode]).toEqual([1, 'live']);
  });

  test('begins with a recovery in draft_only where nothing is left, and names nobody as disbelieved in vain', () => {
    const state = new State();
    expect(apply(state, 'recover', { generation: 'g2', given_up: [], excluded: [] })).toBe('loosens');
    expect([...state]).toEqual([
      ['control', { format: 1, generation: 'g2', generations: ['g2'], recovered: true, epoch: 1, by: 'dana', at }],
      ['mode', { mode: 'draft_only', targeting: null, epoch: 1, by: 'dana', at }],
    ]);
    apply(state, 'recover', { generation: 'g3', given_up: [], excluded: ['web-1'] });
    expect(state.control).toMatchObject({ generations: ['g2', 'g3'], excluded: ['web-1'] });
    apply(state, 'recover', { generation: 'g4', given_up: [] });
    expect(state.control).not.toHaveProperty('excluded');
  });

  test('takes a start for a loosening: before it nothing could run', () => {
    expect(apply(new State(), 'init', { generation: 'g1' })).toBe('loosens');
  });

  test('takes a base mode for a loosening where none was set, unless it is full_stop', () => {
    expect(apply(new State(), 'mode', { mode: 'paused', targeting: null })).toBe('loosens');
    expect(apply(new State(), 'mode', { mode: 'full_stop', targeting: null })).toBe('neutral');
    expect(apply(new State(), 'mode', { mode: 'full_stop', targeting: { var: 'm' } })).toBe('loosens');
  });

  test.each<[string, string, Record<string, unknown>, Record<string, unknown>, Direction]>([
    ['a stricter base mode', 'mode', { mode: 'live' }, { mode: 'paused' }, 'tightens'],
    ['a looser base mode', 'mode', { mode: 'paused' }, { mode: 'live' }, 'loosens'],
    ['the same base mode', 'mode', { mode: 'live' }, { mode: 'live' }, 'neutral'],
    [
      'targeting, which may be looser for somebody',
      'mode',
      { mode: 'live' },
      { mode: 'live', targeting: { var: 'm' } },
      'loosens',
    ],
    [
      'the end of targeting, which may be looser for somebody',
      'mode',
      { mode: 'live', targeting: { var: 'm' } },
      { mode: 'paused' },
      'loosens',
    ],
    [
      'full_stop for everyone instead of targeting',
      'mode',
      { mode: 'live', targeting: { var: 'm' } },
      { mode: 'full_stop' },
      'tightens',
    ],
    [
      'the same targeting',
      'mode',
      { mode: 'live', targeting: { var: 'm' } },
      { mode: 'live', targeting: { var: 'm' } },
      'neutral',
    ],
    [
      'other targeting, which may be looser for somebody',
      'mode',
      { mode: 'live', targeting: { var: 'm' } },
      { mode: 'live', targeting: { var: 'n' } },
      'loosens',
    ],
    [
      'other targeting in full_stop, which may be looser for somebody',
      'mode',
      { mode: 'live', targeting: { var: 'm' } },
      { mode: 'full_stop', targeting: { var: 'n' } },
      'loosens',
    ],
    ['a mode that is stricter, with targeting', 'mode', { mode: 'live' }, { mode: 'paused', targeting: {} }, 'loosens'],
    ['the same stage of a feature', 'feature', { name: 'f', stage: 'live' }, { name: 'f', stage: 'live' }, 'neutral'],
    ['the same limit', 'limit', { name: 'l', value: 1 }, { name: 'l', value: 1 }, 'neutral'],
    ['the same autonomy', 'autonomy', { action: 'a', stage: 'trusted' }, { action: 'a', stage: 'trusted' }, 'neutral'],
    [
      'a grant that goes further',
      'autonomy',
      { action: 'a', stage: 'human_in_the_loop' },
      { action: 'a', stage: 'human_on_the_loop' },
      'loosens',
    ],
    ['a feature that goes back', 'feature', { name: 'f', stage: 'live' }, { name: 'f', stage: 'shadow' }, 'tightens'],
    ['a feature that is promoted', 'feature', { name: 'f', stage: 'dark' }, { name: 'f', stage: 'shadow' }, 'loosens'],
    [
      'another feature that is promoted',
      'feature',
      { name: 'g', stage: 'live' },
      { name: 'f', stage: 'shadow' },
      'loosens',
    ],
    ['another feature that is dark', 'feature', { name: 'g', stage: 'live' }, { name: 'f', stage: 'dark' }, 'neutral'],
    ['a first limit', 'limit', { name: 'm', value: 1 }, { name: 'l', value: 1e9 }, 'tightens'],
    ['a lower limit', 'limit', { name: 'l', value: 2 }, { name: 'l', value: 1 }, 'tightens'],
    ['a higher limit', 'limit', { name: 'l', value: 1 }, { name: 'l', value: 2 }, 'loosens'],
    [
      'a first human in the loop',
      'autonomy',
      { action: 'b', stage: 'trusted' },
      { action: 'a', stage: 'human_in_the_loop' },
      'tightens',
    ],
    [
      'a first grant',
      'autonomy',
      { action: 'b', stage: 'trusted' },
      { action: 'a', stage: 'human_on_the_loop' },
      'loosens',
    ],
    [
      'a grant taken back',
      'autonomy',
      { action: 'a', stage: 'trusted' },
      { action: 'a', stage: 'human_in_the_loop' },
      'tightens',
    ],
    ['new flags of the app', 'flags', { definition: {} }, { definition: { flags: {} } }, 'loosens'],
  ])('knows which way %s goes', (_, type, before, after, direction) => {
    const state = initialised();
    const same = type === 'mode' ? { targeting: null } : {};
    apply(state, type, { ...same, ...before });
    expect(apply(state, type, { ...same, ...after })).toBe(direction);
  });

  test('refuses an event that it does not know, or whose data it cannot read', () => {
    const state = initialised();
    expect(() => apply(state, 'levitate', {})).toThrow(
      expect.objectContaining({
        code: 'UNKNOWN_EVENT',
        message:
          'Event 2 of the log has the type "levitate", which this version does not know. A newer version has written it: update this process.',
      }),
    );
    for (const type of ['__proto__', 'constructor', 'toString']) {
      expect(() => apply(state, type, {})).toThrow(expect.objectContaining({ code: 'UNKNOWN_EVENT' }));
    }
    const unreadable: [EventType, Record<string, unknown>][] = [
      ['init', { generation: '' }],
      ['kill', killOf('agent:', 'paused')],
      ['kill', killOf('agent:a', 'stopped')],
      ['mode', { mode: 'on', targeting: null }],
      ['feature', { name: 'f', stage: 'on' }],
      ['limit', { name: 'l', value: -1 }],
      ['limit', { name: 'l', value: Number.POSITIVE_INFINITY }],
      ['autonomy', { action: 'a', stage: 'dark' }],
      ['recover', {}],
      ['recover', { generation: '', given_up: [] }],
      ['second', { kind: 'ruler', name: 'r' }],
      ['rule_add', { name: 'r', target: 'all', mode: 'paused', window: 'nights', when: null }],
      ['rule_add', { name: 'r', target: 'agents', mode: 'paused', window: null, when: null }],
      ['mode', { mode: 'live', targeting: null, command_id: '' }],
    ];
    for (const [type, data] of unreadable) {
      const event = { seq: 2, at, actor: 'dana', type, data, reason: null, prev: state.hash, hash: GENESIS };
      expect(() => foldEvent(state, event), type).toThrow(
        expect.objectContaining({
          code: 'UNKNOWN_EVENT',
          message: expect.stringMatching(
            new RegExp(
              `^Event 2 of the log \\(${type}\\) has a value of "\\w+"(, "\\w+")*, which this version does not know`,
            ),
          ),
          cause: expect.objectContaining({ issues: expect.any(Array) }),
        }),
      );
    }
    expect(state.epoch).toBe(1);
  });

  test('refuses an event with a member that this version does not know', () => {
    const state = initialised();
    const known: readonly [EventType, Record<string, unknown>][] = [
      ['init', { generation: 'g' }],
      ['recover', { generation: 'g', given_up: [] }],
      ['kill', killOf('agent:a', 'paused')],
      ['second', { kind: 'kill', name: 'agent:a' }],
      ['revive', { id: 'k', target: 'agent:a' }],
      ['expire', { id: 'k', target: 'agent:a' }],
      ['mode', { mode: 'live', targeting: null }],
      ['feature', { name: 'f', stage: 'live' }],
      ['limit', { name: 'l', value: 1 }],
      ['governance', { rules: NO_GOVERNANCE }],
      ['request', { id: 'q', change: { type: 'revive' }, epoch: 1, expires_at: '2026-02-01T00:00:00.000Z' }],
      ['withdraw', { id: 'q' }],
      ['refused', { command: 'revive', target: null, code: 'ROLE_REQUIRED', count: 1 }],
      ['alert', { name: 'on-call', definition: null }],
      [
        'archive',
        {
          head: { generation: 'g', epoch: 1, hash: GENESIS, recovered: false },
          ...{ events: 1, first: GENESIS, digest: GENESIS, file: GENESIS },
        },
      ],
      ['undelivered', { name: 'on-call', id: 'x', count: 1, last: 'evt_1' }],
      ['resolve', { intent: 'i', landed: true, run_id: null, idempotency_key: 'k' }],
      [
        'drill',
        {
          ...{ id: 'd', kind: 'stop', target: 'all', state: 'running', step: 'baseline' },
          until: '2026-02-01T00:00:00.000Z',
        },
      ],
      ['drill_schedule', { name: 'weekly', schedule: null }],
      [
        'rollback',
        {
          ...{ id: 'b', target: 'run:r', since: null, hash: GENESIS, count: 0, timeout_ms: 1, kills: [] },
          performer: { id: 'e', name: 'e', lease_ms: 1 },
        },
      ],
      ['takeover', { id: 'b', performer: { id: 'e', name: 'e', lease_ms: 1 } }],
      ['autonomy', { action: 'a', stage: 'trusted' }],
      ['flags', { definition: {} }],
      ['rule_add', { name: 'r', target: 'all', mode: 'paused', window: null, when: null }],
      ['rule_remove', { name: 'r', target: 'all' }],
      ['rule_renew', { name: 'r', words: 'Mon 01:00-02:00 UTC', since: at, until: at, opens: [[at, at]] }],
      ['budget', { name: 'day', definition: null }],
      ['tripwire', { name: 't', definition: null }],
      ['stop', { id: 'k', stop_id: 's', target: 'run:r', mode: 'paused', counted: 'run:r', cause: null }],
      ['snapshot', { epoch: 1, digest: GENESIS }],
      ['approve', { request: boundRequest() }],
      ['reject', { request: boundRequest() }],
      ['escalate', { requests: [boundRequest()] }],
      [
        'standing',
        { id: 's', action: 'a', agent_id: 'a', run_id: null, match: null, times: 1, until: '2026-01-02T00:00:00Z' },
      ],
      ['standing_withdraw', { id: 's' }],
      ['lapse', { approvals: ['r'], standing: [] }],
    ];
    expect(known.map(([type]) => type).sort()).toEqual(Object.keys(FOLDS).sort());
    for (const [type, data] of known) {
      const event = { seq: 2, at, actor: 'dana', type, data, reason: null, prev: state.hash, hash: GENESIS };
      expect(() => foldEvent(state, { ...event, data: { ...data, command_id: 'c1' } }), type).not.toThrow();
      expect(() => foldEvent(state, { ...event, data: { ...data, only_when: 'dark' } }), type).toThrow(
        expect.objectContaining({
          code: 'UNKNOWN_EVENT',
          message: `Event 2 of the log (${type}) has "only_when", which this version does not know. A newer version has written it: update this process.`,
          cause: expect.objectContaining({ issues: expect.any(Array) }),
        }),
      );
      expect(() => parseEvent({ ...event, only_when: 'dark' }), type).toThrow();
    }
    expect(state.epoch).toBe(1);
  });

  test('records for each entry who changed it last, and when, also for a seconding', () => {
    const state = initialised();
    const later = '2026-01-01T00:00:09Z';
    const changes: readonly [EventType, Record<string, unknown>, EntryKind, string?][] = [
      ['kill', killOf('agent:a', 'paused'), 'kill', 'agent:a'],
      ['second', { kind: 'kill', name: 'agent:a' }, 'kill', 'agent:a'],
      ['mode', { mode: 'live', targeting: null }, 'mode'],
      ['feature', { name: 'f', stage: 'live' }, 'feature', 'f'],
      ['limit', { name: 'l', value: 1 }, 'limit', 'l'],
      ['autonomy', { action: 'a', stage: 'trusted' }, 'autonomy', 'a'],
      ['flags', { definition: {} }, 'flags'],
      ['rule_add', { name: 'r', target: 'all', mode: 'paused', window: null, when: null }, 'rule', 'r'],
      ['recover', { generation: 'g2', given_up: [] }, 'control'],
    ];
    for (const [number, [type, data, kind, name]] of changes.entries()) {
      const { event } = nextChange(state, { type, data, at: later, actor: `person ${number}` });
      state.take(event);
      expect(state.get(kind, name), type).toMatchObject({ by: `person ${number}`, at: later, epoch: event.seq });
    }
    expect(state.get('kill', 'agent:a')).toMatchObject({ killed_by: 'person 0', by: 'person 1' });
  });

  const change = fc.oneof(
    fc
      .record({
        type: fc.constant('kill'),
        mode: fc.constantFrom(...MODES),
        id: fc.constantFrom(...IDS),
        kind: fc.constantFrom('agent', 'run', 'surface'),
      })
      .map(({ type, mode, id, kind }) => [type, killOf(`${kind}:${id}`, mode)] as const),
    fc.constantFrom(...IDS).map((id) => ['revive', { id: `k agent:${id}`, target: `agent:${id}` }] as const),
    fc.constantFrom(...MODES).map((mode) => ['mode', { mode, targeting: null }] as const),
    fc
      .tuple(fc.constantFrom(...IDS), fc.constantFrom(...FEATURE_STAGES))
      .map(([name, stage]) => ['feature', { name, stage }] as const),
    fc.tuple(fc.constantFrom(...IDS), fc.nat()).map(([name, value]) => ['limit', { name, value }] as const),
    fc
      .tuple(fc.constantFrom(...IDS), fc.constantFrom(...AUTONOMY_STAGES))
      .map(([action, stage]) => ['autonomy', { action, stage }] as const),
    fc
      .tuple(fc.constantFrom('r', 's'), ruleTermsArbitrary)
      .map(([name, terms]) => ['rule_add', { name, ...terms }] as const),
    fc
      .tuple(fc.constantFrom('r', 's'), fc.constantFrom('rule_remove'))
      .map(([name, type]) => [type, { name, target: 'all' }] as const),
    fc.constantFrom(...IDS).map((id) => ['second', { kind: 'kill', name: `agent:${id}` }] as const),
  );

  test('calls a change a loosening if it gives anybody more authority', () => {
    const call = fc.record({
      agentId: fc.constantFrom(...IDS),
      runId: fc.constantFrom(...IDS),
      feature: fc.option(fc.constantFrom(...IDS), { nil: undefined }),
      action: fc.constantFrom(...IDS),
    });
    const seen = new Set<Direction>();
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), call, (changes, asked) => {
        const state = initialised();
        for (const [type, data] of changes) {
          const before = strictness(resolveMode(state, asked, () => NOW).mode);
          const direction = apply(state, type, { ...data });
          seen.add(direction);
          const after = strictness(resolveMode(state, asked, () => NOW).mode);
          if (direction !== 'loosens') expect(after, `${type} ${JSON.stringify(data)}`).toBeGreaterThanOrEqual(before);
        }
      }),
      { numRuns: 500 },
    );
    expect([...seen].sort()).toEqual(['loosens', 'neutral', 'tightens']);
  });

  test('gives the same state from its stored entries as from its events', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
        const state = initialised();
        for (const [type, data] of changes) apply(state, type, { ...data });
        const stored = JSON.parse(JSON.stringify([...state])) as [string, unknown][];
        const loaded = stateFrom(stored, state.head as never);
        expect([...loaded]).toEqual([...state]);
        expect(loaded.head).toEqual(state.head);
        for (const id of IDS)
          expect(restrictionFor(loaded, { context: { agent_id: id }, now: () => NOW })).toEqual(
            restrictionFor(state, { context: { agent_id: id }, now: () => NOW }),
          );
      }),
      { numRuns: 100 },
    );
  });

  test('keeps the last word on an intent, of the last thousand, and forgets what is old', () => {
    const state = initialised();
    const resolve = (intent: string, landed: boolean, day: string): void => {
      const data = { intent, landed, run_id: 'r', idempotency_key: 'k' };
      const prev = state.hash || GENESIS;
      const event = { seq: state.epoch + 1, at: `2026-${day}T00:00:00Z`, actor: 'dana', type: 'resolve', data };
      expect(state.take(sealEvent({ ...event, reason: 'seen', prev })).direction).toBe('loosens');
    };
    const words = (): unknown[] => state.resolved.map(({ intent, landed }) => [intent, landed]);
    resolve('a', true, '01-01');
    resolve('b', false, '01-02');
    resolve('a', false, '01-03');
    expect(words()).toEqual([
      ['b', false],
      ['a', false],
    ]);
    resolve('c', true, '06-01');
    expect(words()).toEqual([['c', true]]);
    for (let n = 0; n < 1001; n += 1) resolve(`n-${n}`, true, '06-02');
    expect([words().length, state.resolved[0]?.intent]).toEqual([1000, 'n-1']);
  });

  test('knows every kind of event', () => {
    expect(Object.keys(FOLDS).sort()).toEqual([
      'alert',
      'approve',
      'archive',
      'autonomy',
      'budget',
      'drill',
      'drill_schedule',
      'escalate',
      'expire',
      'feature',
      'flags',
      'governance',
      'init',
      'kill',
      'lapse',
      'limit',
      'mode',
      'recover',
      'refused',
      'reject',
      'request',
      'resolve',
      'revive',
      'rollback',
      'rule_add',
      'rule_remove',
      'rule_renew',
      'second',
      'snapshot',
      'standing',
      'standing_withdraw',
      'stop',
      'takeover',
      'tripwire',
      'undelivered',
      'withdraw',
    ]);
  });
});
