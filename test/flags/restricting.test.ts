import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  accountsRule,
  type AttributeValue,
  AUTONOMY_STAGES,
  FEATURE_STAGES,
  firstToMeet,
  isStricter,
  type LogEvent,
  MODES,
  nextChange,
  percentageRule,
  resolveMode,
  RestrictionMemory,
  State,
  type Subject,
  TRIP_MODES,
  type TripMode,
} from '../../flags/index.ts';

const at = '2026-01-01T00:00:00.000Z';
const IDS = ['a', 'b', 'c.d', 'c.e'] as const;
const NOW = (): number => Date.parse(at);

type Told = readonly [type: Parameters<typeof nextChange>[1]['type'], data: Record<string, unknown>];

/** Makes events, and has a memory take note of each. */
function logOf(changes: readonly Told[]): { events: LogEvent[]; states: State[]; memory: RestrictionMemory } {
  const state = new State();
  const memory = new RestrictionMemory();
  const events: LogEvent[] = [];
  const states: State[] = [];
  for (const [type, data] of [['init', { generation: 'g' }] as const, ...changes]) {
    const { event, patch, direction } = nextChange(state, { type, data, at, actor: 'unverified:dana' });
    if (events.length > 0)
      memory.note(event, direction, {
        killMode: (target) => state.get('kill', target)?.mode ?? null,
        feature: (name) => state.get('feature', name),
      });
    state.apply(patch, event);
    if (events.length === 0) memory.begin({ epoch: event.seq, hash: event.hash }, state.mode);
    events.push(event);
    const copy = new State();
    for (const each of events) copy.take(each);
    states.push(copy);
  }
  return { events, states, memory };
}

const target = fc.oneof(
  fc.constant('all'),
  fc
    .tuple(fc.constantFrom('agent', 'mission', 'run', 'feature', 'surface', 'action'), fc.constantFrom(...IDS))
    .map(([type, id]) => `${type}:${id}`),
  fc.constant('action:c.*'),
);
const killed = (of: string): Told => ['kill', { id: of, target: of, mode: 'full_stop', expires_at: null }];
const stopped = (of: string, mode: TripMode): Told => [
  'stop',
  { id: of, stop_id: 's', target: of, mode, counted: of, cause: null },
];
const stageRule = fc.oneof(
  fc
    .tuple(fc.uniqueArray(fc.constantFrom('acme', 'beta'), { minLength: 1 }), fc.constantFrom(...FEATURE_STAGES))
    .map(([accounts, stage]) => accountsRule(accounts, stage)),
  fc
    .tuple(fc.nat({ max: 100 }), fc.constantFrom(...FEATURE_STAGES), fc.constantFrom(...FEATURE_STAGES))
    .map(([share, stage, otherwise]) => percentageRule('a', share, { stage, otherwise })),
  fc.constantFrom(...FEATURE_STAGES).map((stage) => ({ if: [{ '==': [{ var: 'agent_id' }, 'a'] }, stage, null] })),
);
const change: fc.Arbitrary<Told> = fc.oneof(
  fc
    .tuple(target, fc.constantFrom(...MODES.filter((mode) => mode !== 'live')))
    .map(([of, mode]): Told => ['kill', { id: of, target: of, mode, expires_at: null }]),
  target.map((of): Told => ['revive', { id: of, target: of }]),
  target.map((of): Told => ['second', { kind: 'kill', name: of }]),
  fc.tuple(target, fc.constantFrom(...TRIP_MODES)).map(([of, mode]) => stopped(of, mode)),
  fc.constantFrom(...MODES).map((mode): Told => ['mode', { mode, targeting: null }]),
  fc
    .tuple(fc.constantFrom(...MODES), fc.constantFrom(...IDS), fc.constantFrom(...MODES))
    .map(
      ([mode, agent, other]): Told => [
        'mode',
        { mode, targeting: { if: [{ '==': [{ var: 'agent_id' }, agent] }, other, null] } },
      ],
    ),
  fc
    .tuple(fc.constantFrom(...IDS), fc.constantFrom(...FEATURE_STAGES))
    .map(([name, stage]): Told => ['feature', { name, stage }]),
  fc
    .tuple(fc.constantFrom(...IDS), fc.constantFrom(...FEATURE_STAGES), stageRule)
    .map(([name, stage, targeting]): Told => ['feature', { name, stage, targeting }]),
  fc
    .tuple(fc.constantFrom(...IDS), fc.constantFrom(...AUTONOMY_STAGES))
    .map(([action, stage]): Told => ['autonomy', { action, stage }]),
  fc.tuple(fc.constantFrom(...IDS), fc.nat({ max: 5 })).map(([name, value]): Told => ['limit', { name, value }]),
);
const subject: fc.Arbitrary<Subject> = fc.record({
  agentId: fc.constantFrom(...IDS),
  runId: fc.constantFrom(...IDS),
  missionId: fc.option(fc.constantFrom(...IDS), { nil: undefined }),
  lineageAgents: fc.array(fc.constantFrom(...IDS), { maxLength: 2 }),
  lineageRuns: fc.array(fc.constantFrom(...IDS), { maxLength: 2 }),
  action: fc.constantFrom(...IDS),
  surface: fc.constantFrom(...IDS),
  feature: fc.option(fc.constantFrom(...IDS), { nil: undefined }),
  context: fc.option(fc.record({ account_id: fc.constantFrom<AttributeValue>('acme', 'beta', 7) }), { nil: undefined }),
});

const callOf = (asked: Subject, limits: readonly string[] = []) => ({ subject: asked, limits });

describe('what restricts a call', () => {
  test('is found for every event after which it may do less, but for a pause, also by who reads the events later', () => {
    let seen = 0;
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 10 }), subject, (changes, asked) => {
        const { events, states, memory } = logOf(changes);
        const later = new RestrictionMemory();
        const last = events.at(-1);
        if (last) later.begin({ epoch: last.seq, hash: last.hash });
        expect(later.extend(events.slice(1))).toBe(true);
        for (const [index, event] of events.entries()) {
          const [before, after] = [states[index - 1], states[index]];
          if (!before || !after) continue;
          const [was, is] = [resolveMode(before, asked, NOW).mode, resolveMode(after, asked, NOW).mode];
          if (!isStricter(is, was) || is === 'paused') continue;
          seen += 1;
          for (const each of [memory, later]) {
            const since = each.since(event.seq - 1)?.filter(({ epoch }) => epoch === event.seq) ?? [];
            expect(firstToMeet(since, callOf(asked)), `${was} → ${is}: ${JSON.stringify(event.data)}`).not.toBeNull();
          }
        }
      }),
      { numRuns: 600 },
    );
    expect(seen).toBeGreaterThan(20);
  });

  test('is all that whoever heard each event has noted, and at most more, for who reads them later', () => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 10 }), (changes) => {
        const { events, memory } = logOf(changes);
        const later = new RestrictionMemory();
        const last = events.at(-1);
        if (last) later.begin({ epoch: last.seq, hash: last.hash });
        later.extend(events.slice(1));
        const epochs = (of: RestrictionMemory): readonly number[] => (of.since(1) ?? []).map(({ epoch }) => epoch);
        expect(epochs(later)).toEqual(expect.arrayContaining([...epochs(memory)]));
      }),
      { numRuns: 300 },
    );
  });

  test('stays known when it is lifted again', () => {
    const { memory } = logOf([killed('agent:a'), ['revive', { id: 'agent:a', target: 'agent:a' }]]);
    expect(firstToMeet(memory.since(1) ?? [], callOf({ agentId: 'a' }))).toMatchObject({ epoch: 2, type: 'kill' });
    expect(firstToMeet(memory.since(1) ?? [], callOf({ lineageAgents: ['a'] }))).toMatchObject({ epoch: 2 });
    expect(firstToMeet(memory.since(1) ?? [], callOf({ agentId: 'b' }))).toBeNull();
    expect(firstToMeet(memory.since(2) ?? [], callOf({ agentId: 'a' }))).toBeNull();
  });

  test('is a lowered limit for calls that have it, and no raised one', () => {
    const { memory } = logOf([
      ['limit', { name: 'refund.max', value: 200 }],
      ['limit', { name: 'refund.max', value: 100 }],
      ['limit', { name: 'refund.max', value: 300 }],
    ]);
    const since = memory.since(2) ?? [];
    expect(firstToMeet(since, callOf({ agentId: 'a' }, ['refund.max']))).toMatchObject({ epoch: 3 });
    expect(firstToMeet(since, callOf({ agentId: 'a' }, ['other']))).toBeNull();
    expect(firstToMeet(memory.since(3) ?? [], callOf({ agentId: 'a' }, ['refund.max']))).toBeNull();
  });

  test.each<readonly [string, readonly Told[], boolean]>([
    ['a pause', [['kill', { id: 'k', target: 'all', mode: 'paused', expires_at: null }]], false],
    [
      'a pause that is asked for again',
      [
        ['kill', { id: 'k', target: 'all', mode: 'paused', expires_at: null }],
        ['second', { kind: 'kill', name: 'all' }],
      ],
      false,
    ],
    ['a base mode that pauses', [['mode', { mode: 'paused', targeting: null }]], false],
    [
      'the end of a pause of everybody',
      [
        ['mode', { mode: 'draft_only', targeting: null }],
        ['mode', { mode: 'paused', targeting: null }],
        ['mode', { mode: 'draft_only', targeting: null }],
      ],
      false,
    ],
    [
      'a stricter mode in the place of a pause',
      [
        ['mode', { mode: 'approval_gated', targeting: null }],
        ['mode', { mode: 'paused', targeting: null }],
        ['mode', { mode: 'read_only', targeting: null }],
      ],
      true,
    ],
    ['a stop that is asked for again', [killed('all'), ['second', { kind: 'kill', name: 'all' }]], true],
    ['a stop by an executor', [stopped('agent:a', 'full_stop')], true],
    ['a stop of another agent by an executor', [stopped('agent:b', 'full_stop')], false],
    ['a pause by an executor', [stopped('agent:a', 'paused')], false],
    [
      'a stop by an executor that is asked for again, in the place of a pause',
      [
        ['kill', { id: 'all', target: 'all', mode: 'paused', expires_at: null }],
        stopped('all', 'full_stop'),
        ['second', { kind: 'kill', name: 'all' }],
      ],
      true,
    ],
    [
      'a budget, before it is spent',
      [
        [
          'budget',
          {
            name: 'day',
            definition: {
              ...{ scope: 'day', window: 'day', usd: 0, tokens: null, calls: null, time_zone: 'UTC', warn: null },
              ...{ do: 'full_stop', targeting: null, tiers: {} },
            },
          },
        ],
      ],
      false,
    ],
    [
      'a tripwire, before it trips',
      [
        [
          'tripwire',
          { name: 't', definition: { on: 'repeats', limit: 1, window_ms: 60_000, scope: 'run', do: 'full_stop' } },
        ],
      ],
      false,
    ],
    ['a recovery', [['recover', { generation: 'g2', given_up: [] }]], true],
    ['the flags of the app', [['flags', { definition: {} }]], false],
    [
      'what a feature has to show',
      [
        ['feature', { name: 'f', stage: 'gated' }],
        ['feature', { name: 'f', stage: 'gated', requirement: { runs: 5, days: 1, agreement: 0.9 } }],
      ],
      false,
    ],
    [
      'a feature for one account more',
      [
        ['feature', { name: 'f', stage: 'shadow', targeting: accountsRule(['acme'], 'gated') }],
        ['feature', { name: 'f', stage: 'shadow', targeting: accountsRule(['acme', 'beta'], 'gated') }],
      ],
      false,
    ],
    [
      'a feature for another account, which gives to one and takes from the other',
      [
        ['feature', { name: 'f', stage: 'shadow', targeting: accountsRule(['acme'], 'gated') }],
        ['feature', { name: 'f', stage: 'shadow', targeting: accountsRule(['beta'], 'gated') }],
      ],
      true,
    ],
    [
      'the end of a rule under which some had more',
      [
        ['feature', { name: 'f', stage: 'shadow', targeting: accountsRule(['acme'], 'live') }],
        ['feature', { name: 'f', stage: 'gated' }],
      ],
      true,
    ],
    [
      'a rule that could not read every context, in the place of none',
      [
        ['feature', { name: 'f', stage: 'gated' }],
        ['feature', { name: 'f', stage: 'gated', targeting: accountsRule(['acme'], 'live') }],
      ],
      true,
    ],
  ])('is, or is not: %s', (_what, changes, restricts) => {
    const { memory, events } = logOf(changes);
    const last = events.at(-1)?.seq ?? 0;
    const later = new RestrictionMemory();
    later.begin({ epoch: last, hash: events.at(-1)?.hash ?? '' });
    later.extend(events.slice(1));
    for (const each of [memory, later])
      expect(firstToMeet(each.since(last - 1) ?? [], callOf({ agentId: 'a', feature: 'f' })) !== null).toBe(restricts);
  });

  test('is everybody’s where the event cannot be read', () => {
    const { events } = logOf([killed('agent:a')]);
    const [first, second] = events;
    if (!first || !second) throw new Error('no events');
    const later = new RestrictionMemory();
    later.begin({ epoch: 2, hash: second.hash });
    expect(later.extend([{ ...second, type: 'embargo' }])).toBe(true);
    expect(firstToMeet(later.since(1) ?? [], callOf({ agentId: 'z' }))).toMatchObject({ type: 'embargo' });
  });
});

describe('a memory of restrictions', () => {
  test('does not know what came before it, until it is told, by events that lead to where it begins', () => {
    const { events } = logOf([killed('agent:a'), killed('agent:b'), killed('agent:c')]);
    const [, second, third, fourth] = events;
    if (!second || !third || !fourth) throw new Error('no events');
    const memory = new RestrictionMemory();
    memory.begin({ epoch: fourth.seq, hash: fourth.hash });
    expect(memory.since(fourth.seq)).toEqual([]);
    expect(memory.since(third.seq)).toBeNull();
    const strangers: readonly (readonly LogEvent[])[] = [
      [],
      [third],
      [second, fourth],
      [{ ...third, hash: 'f'.repeat(64) }, fourth],
      [third, { ...fourth, hash: 'f'.repeat(64) }],
    ];
    for (const each of strangers) expect(memory.extend(each)).toBe(false);
    expect(memory.since(third.seq)).toBeNull();
    expect(memory.extend([third, fourth])).toBe(true);
    expect(memory.since(second.seq)?.map(({ epoch }) => epoch)).toEqual([3, 4]);
    expect(memory.since(second.seq - 1)).toBeNull();
    expect(memory.extend([second])).toBe(true);
    expect(memory.since(1)?.map(({ epoch }) => epoch)).toEqual([2, 3, 4]);
  });

  test('is bounded, and says what it has forgotten', () => {
    const memory = new RestrictionMemory();
    memory.begin({ epoch: 0, hash: '' });
    const event = (seq: number): LogEvent => ({
      ...{ seq, at, actor: 'dana', type: 'kill', reason: null, prev: 'p', hash: `h${seq}` },
      data: { id: 'k', target: 'all', mode: 'full_stop', expires_at: null },
    });
    for (let seq = 1; seq <= 10_001; seq += 1)
      memory.note(event(seq), 'tightens', { killMode: () => null, feature: () => null });
    expect(memory.since(0)).toBeNull();
    expect(memory.floor).toEqual({ epoch: 1000, hash: 'h1000' });
    expect(memory.since(1000)).toHaveLength(9001);
  });
});
