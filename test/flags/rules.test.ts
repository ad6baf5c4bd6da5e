import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  changesAt,
  conditionProblem,
  unsaidAttributes,
  coversRule,
  type Entry,
  MODES,
  type RuleWindow,
  resolveMode,
  restrictionFor,
  sameRule,
  State,
  type Subject,
} from '../../flags/index.ts';
import { NOW, putKill, putRule } from './arbitraries.ts';
import { LAST_CHANGE } from './last-change.ts';

const now = (): number => NOW;
const iso = (ms: number): string => new Date(ms).toISOString();
const once = (from: number, until: number, drain_ms = 0): RuleWindow => ({
  kind: 'once',
  from: iso(NOW + from),
  until: iso(NOW + until),
  drain_ms,
});

type Terms = Partial<Entry<'rule'>>;

function stateWith(...rules: readonly Terms[]): State {
  const state = new State();
  state.put('mode', { mode: 'live', targeting: null, ...LAST_CHANGE });
  for (const [i, terms] of rules.entries()) putRule(state, `r${i}`, { target: 'all', mode: 'full_stop', ...terms });
  return state;
}

describe('a standing rule', () => {
  test.each<[target: string, reached: Subject, missed: Subject]>([
    ['agent:a', { agentId: 'a' }, { agentId: 'b', runId: 'a' }],
    ['agent:a', { agentId: 'b', lineageAgents: ['a'] }, { lineageRuns: ['a'] }],
    ['mission:a', { lineageMissions: ['a'] }, { agentId: 'a' }],
    ['run:a', { runId: 'a' }, { missionId: 'a' }],
    ['action:db.*', { action: 'db.migrate.now' }, { action: 'dbs.migrate' }],
    ['action:db.migrate', { action: 'db.migrate' }, { action: 'db.migrate.now' }],
    ['surface:queue', { surface: 'queue' }, { surface: 'tool' }],
  ])('of %s restricts %j, and not %j', (target, reached, missed) => {
    const state = stateWith({ target, mode: 'read_only' });
    expect(resolveMode(state, reached, now)).toEqual({
      mode: 'read_only',
      cause: { kind: 'rule', rule: 'r0', until: null },
    });
    expect(resolveMode(state, missed, now)).toEqual({ mode: 'live', cause: { kind: 'mode' } });
  });

  test('restricts while its window is open, and pauses while it drains', () => {
    const at = (...window: Parameters<typeof once>): string =>
      resolveMode(stateWith({ window: once(...window) }), {}, now).mode;
    expect([at(0, 1000), at(1000, 2000), at(-1000, 0), at(1000, 2000, 1000)]).toEqual([
      'full_stop',
      'live',
      'live',
      'paused',
    ]);
    const draft = stateWith({ mode: 'draft_only', window: once(1000, 2000, 1000) });
    expect(resolveMode(draft, {}, now).mode).toBe('paused');
    expect(resolveMode(draft, {}, () => null).mode).toBe('draft_only'); // nobody knows the time
  });

  test('restricts whoever meets its condition, and whoever cannot be judged by it', () => {
    const state = stateWith({ when: { '>': [{ var: ['amount', 0] }, 100] } });
    const modes = [{}, { amount: 100 }, { amount: 101 }, { amount: '5' }, { amount: [1] }].map(
      (context) => restrictionFor(state, { context, now }).mode,
    );
    expect(modes).toEqual(['live', 'live', 'full_stop', 'full_stop', 'full_stop']);
    for (const when of ['gold', { missing: ['x'] }, { var: 'a.b' }, { if: [{ $ref: 'x' }, true, false] }])
      expect(resolveMode(stateWith({ when }), {}, now).mode).toBe('full_stop'); // another version took it
  });

  test('sees the attributes of the application in a subject, over which nobody is somebody else', () => {
    const state = stateWith({ when: { '===': [{ var: 'account_id' }, 'acme'] } });
    expect(resolveMode(state, { context: { account_id: 'acme' } }, now).mode).toBe('full_stop');
    expect(resolveMode(state, { context: { account_id: 'other' } }, now).mode).toBe('live');
    const named = stateWith({ when: { '===': [{ var: 'agent_id' }, 'a'] } });
    expect(resolveMode(named, { agentId: 'a', context: { agent_id: 'b' } }, now).mode).toBe('full_stop');
    const byKey = stateWith({ when: { '===': [{ var: 'targetingKey' }, 'acme'] } });
    expect(resolveMode(byKey, { runId: 'r', context: { targetingKey: 'acme' } }, now).mode).toBe('full_stop');
    expect(resolveMode(byKey, { runId: 'acme' }, now).mode).toBe('full_stop');
  });

  test('gives way to what is stricter; of what is as strict a kill is named first, then the rule', () => {
    const state = stateWith({ mode: 'paused' }, { mode: 'read_only' }, { mode: 'paused' });
    expect(resolveMode(state, {}, now)).toEqual({ mode: 'paused', cause: { kind: 'rule', rule: 'r0', until: null } });
    state.put('autonomy:a.b', { stage: 'human_in_the_loop', ...LAST_CHANGE });
    expect(resolveMode(state, { action: 'a.b' }, now).cause).toEqual({ kind: 'rule', rule: 'r0', until: null });
    state.put('rule:r0', undefined);
    expect(resolveMode(state, {}, now).cause).toEqual({ kind: 'rule', rule: 'r2', until: null });
    putKill(state, 'all', 'paused');
    expect(resolveMode(state, {}, now).cause.kind).toBe('kill');
    state.put('mode', { mode: 'full_stop', targeting: null, ...LAST_CHANGE });
    expect(resolveMode(state, {}, now)).toEqual({ mode: 'full_stop', cause: { kind: 'mode' } });
  });

  test('is replaced under its name, also by one of another target', () => {
    const state = stateWith({ target: 'agent:a' });
    putRule(state, 'r0', { target: 'agent:b', mode: 'paused' });
    expect(['a', 'b'].map((agentId) => resolveMode(state, { agentId }, now).mode)).toEqual(['live', 'paused']);
    expect([...state.rules]).toHaveLength(1);
  });

  test('that cannot reach a call is not looked at', () => {
    const entry = {
      window: once(0, 1),
      when: null,
      target: 'agent:b',
      mode: 'full_stop',
      reason: null,
      ...LAST_CHANGE,
    } as const;
    const state = stateWith();
    let looks = 0;
    const counted = Object.defineProperty({ ...entry }, 'mode', {
      get: () => ((looks += 1), 'full_stop'),
      enumerable: true,
    });
    for (let i = 0; i < 100; i += 1) state.put(`rule:r${i}`, { ...entry, target: `agent:b${i}` });
    state.put('rule:counted', counted);
    resolveMode(state, { agentId: 'a', lineageAgents: ['c'], action: 'a.b' }, now);
    expect(looks).toBe(0);
    resolveMode(state, { agentId: 'b' }, now);
    expect(looks).toBeGreaterThan(0);
  });
});

describe('why a rule restricts', () => {
  const cause = (window: RuleWindow | null, at = NOW) =>
    restrictionFor(stateWith({ window }), { context: {}, now: () => at }).cause;
  const weekly = (until: number): RuleWindow => ({
    ...{ kind: 'weekly', words: 'Mon-Sun 00:00-24:00 UTC', since: iso(NOW - 60_000), until: iso(NOW + until) },
    ...{ opens: [[iso(NOW - 5000), iso(NOW + 5000)] as [string, string]], drain_ms: 0 },
  });
  const rule = { kind: 'rule', rule: 'r0' };

  test('is said with the end of its window, where that is known', () => {
    expect(cause(null)).toEqual({ ...rule, until: null });
    expect(cause(once(-5000, 5000))).toEqual({ ...rule, until: iso(NOW + 5000) });
    expect(cause(once(2000, 5000, 4000))).toEqual({ ...rule, until: iso(NOW + 5000) }); // it drains
    expect(cause({ kind: 'once', from: iso(NOW - 5000), until: null, drain_ms: 0 })).toEqual({ ...rule, until: null });
    expect(cause(weekly(60_000))).toEqual({ ...rule, until: iso(NOW + 5000) });
  });

  test('is said without one where nothing is known of what comes after it', () => {
    expect(cause(weekly(5000))).toEqual({ ...rule, until: null });
    expect(cause(weekly(60_000), NOW + 120_000)).toEqual({ ...rule, until: null });
  });
});

describe('the next change that no event tells of', () => {
  test('is that of the first window, or the next second where a condition asks for the time', () => {
    expect(changesAt(stateWith({}), NOW)).toBeNull();
    const state = stateWith({}, { window: once(5000, 9000) }, { window: once(7000, 8000, 3000) });
    expect([NOW, NOW + 4000, NOW + 5000, NOW + 8000, NOW + 9000].map((at) => changesAt(state, at))).toEqual([
      NOW + 4000,
      NOW + 5000,
      NOW + 7000,
      NOW + 9000,
      null,
    ]);
    putRule(state, 'timed', { target: 'all', mode: 'paused', when: { '>': [{ var: '$flagd.timestamp' }, 5] } });
    expect(changesAt(state, NOW + 1)).toBe(NOW + 1000);
  });
});

describe('a condition', () => {
  test.each<[unknown, RegExp]>([
    [{ missing: ['x'] }, /^has "missing" where it needs a condition \(write/],
    [
      { '>': [{ var: 'amount' }, 5] },
      /^names "amount" without a fallback.*write \{"var": \["amount", 1000000000000\]\}, by which a call without it meets/,
    ],
    [{ '<': [{ var: 'age' }, 18] }, /write \{"var": \["age", -1000000000000\]\}, by which a call without it meets/],
    [{ '<': [18, { var: 'age' }] }, /write \{"var": \["age", 1000000000000\]\}, by which a call without it meets/],
    [{ '===': [{ var: 'a.b' }, 1] }, /^names "a\.b"/],
    [{}, /^has \{\} where it needs a condition/],
    [{ and: [] }, /^has "and" or "or" without a list of conditions/],
    [{ '===': [{ var: '$kill_switch.timestamp' }, 1] }, /only the switch itself may set/],
    [{ fractional: [['live', 5]] }, /where it needs a condition/],
    [{ if: [{ $ref: 'gold' }, true, false] }, /^is refused by flagd/],
  ])('outside the grammar is refused: %j', (when, problem) => {
    expect(conditionProblem(when)).toMatch(problem);
  });

  test.each([
    { '===': [{ var: 'environment' }, 'production'] },
    { starts_with: [{ var: 'path' }, '/prod/'] },
    { and: [{ in: [{ var: 'account_id' }, ['acme', 'initech']] }, { '>': [{ var: ['amount', 0] }, 100.5] }] },
    { '>=': [{ var: '$flagd.timestamp' }, 5] },
  ])('of account, environment, path, amount and time is taken: %j', (when) => {
    expect(conditionProblem(when)).toBeNull();
  });
});

describe('a call that says nothing of what a condition asks for', () => {
  const above = (fallback: number) => ({ '>': [{ var: ['cents', fallback] }, 20_000] });
  const isWrite = { '===': [{ var: 'effect' }, 'write'] };
  test.each<[unknown, readonly string[]]>([
    [above(0), ['cents']],
    [above(1e12), []],
    [{ '===': [{ var: 'acount_id' }, 'acme'] }, ['acount_id']],
    [{ '!==': [{ var: 'environment' }, 'test'] }, []],
    [{ '!': { '===': [{ var: 'environment' }, 'test'] } }, []],
    [{ and: [isWrite, above(0)] }, ['cents']],
    [{ and: [isWrite, above(1e12)] }, []],
    [{ or: [isWrite, above(0)] }, []], // some of them meet it
    [{ or: [above(0), { in: [{ var: 'tier' }, ['free']] }] }, ['cents', 'tier']],
    [{ if: [isWrite, above(0), false] }, ['cents']],
    [{ if: [isWrite, above(0), true] }, []],
    [isWrite, []],
    [{ '>': [{ var: '$flagd.timestamp' }, 5] }, []],
    [null, []],
  ])('does not meet %j for want of %j', (when, names) => {
    expect(unsaidAttributes(when)).toEqual(names);
  });
});

describe('a rule in the place of another', () => {
  const at = iso(NOW);
  const weekly = (words: string, until = '2027-01-01T00:00:00Z', drain_ms = 0): RuleWindow => ({
    ...{ kind: 'weekly', words, since: '2026-01-01T00:00:00Z', until, opens: [], drain_ms },
  });
  const when = { '===': [{ var: 'tier' }, 'gold'] };
  const BASE = { target: 'agent:a', mode: 'read_only', window: null, when: null } as const;

  test.each<[string, Terms, Terms, boolean]>([
    ['the same', {}, {}, true],
    ['stricter', {}, { mode: 'paused' }, true],
    ['looser', {}, { mode: 'draft_only' }, false],
    ['of all', {}, { target: 'all' }, true],
    ['of another', {}, { target: 'agent:b' }, false],
    ['of fewer', { target: 'all' }, {}, false],
    ['with hours where there were none', {}, { window: weekly('a') }, false],
    ['without hours', { window: weekly('a') }, {}, true],
    ['with the same hours', { window: weekly('a') }, { window: weekly('a', '2028-01-01T00:00:00Z') }, true],
    ['with the same hours, of which no more was known', { window: weekly('a', at) }, { window: weekly('a') }, false],
    ['with other hours', { window: weekly('a') }, { window: weekly('b') }, false],
    ['with a shorter drain', { window: weekly('a', at, 5) }, { window: weekly('a', at, 4) }, false],
    ['with one time for hours', { window: weekly('a') }, { window: once(-5, 5) }, false],
    ['for longer', { window: once(0, 5) }, { window: once(-1, 6) }, true],
    ['for less long', { window: once(0, 5) }, { window: once(0, 4) }, false],
    ['that begins later', { window: once(1, 5) }, { window: once(2, 5) }, false],
    ['that begins now like the other before', { window: once(-9, 5) }, { window: once(0, 5) }, true],
    ['with a condition', {}, { when }, false],
    ['with the same condition', { when }, { when }, true],
    ['without a condition', { when }, {}, true],
    ['with another condition', { when }, { when: { var: 'x' } }, false],
  ])('%s: whether it restricts no less is %4$s', (_, before, after, covers) => {
    expect(coversRule({ ...BASE, ...after }, { ...BASE, ...before }, at)).toBe(covers);
  });

  test('is the same whenever it was compiled, and in whatever order its condition has its members', () => {
    const one = { ...BASE, window: weekly('a'), when: { some: [{ var: 'x' }, true], else: 1 } };
    const other = {
      ...BASE,
      window: weekly('a', '2028-01-01T00:00:00Z'),
      when: { else: 1, some: [{ var: 'x' }, true] },
    };
    expect(sameRule(one, other)).toBe(true);
    expect(sameRule(one, { ...other, window: weekly('b') })).toBe(false);
    expect(sameRule(one, { ...other, when: null })).toBe(false);
    fc.assert(
      fc.property(fc.constantFrom(...MODES), (mode) => sameRule(one, { ...one, mode }) === (mode === one.mode)),
    );
  });
});
