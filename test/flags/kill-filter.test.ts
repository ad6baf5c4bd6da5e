import { describe, expect, test } from 'vitest';
import { resolveMode, State, type Subject } from '../../flags/index.ts';
import { KillFilter } from '../../flags/kill-filter.ts';
import { LAST_CHANGE } from './last-change.ts';

/** Ids of every length, most of them alike in most of their characters. */
const idAt = (index: number): string =>
  [
    `${index}`,
    `agent-${index}`,
    `${index}-of-the-returns-department-in-berlin`,
    `😀${'x'.repeat(index % 500)}${index}`,
  ][index % 4] as string;

const TYPES = ['agent', 'mission', 'run'] as const;

const live = (): State => {
  const state = new State();
  state.put('mode', { mode: 'live', targeting: null, ...LAST_CHANGE });
  return state;
};

const kill = (state: State, target: string): void =>
  state.put(`kill:${target}`, {
    id: `kill of ${target}`,
    target,
    mode: 'full_stop',
    reason: null,
    killed_by: 'dana',
    killed_at: '2026-01-01T00:00:00Z',
    expires_at: null,
    ...LAST_CHANGE,
  });

/** The subject that this kill must reach, by its own id or its lineage. */
const subjectOf = (type: (typeof TYPES)[number], id: string, asParent: boolean): Subject => {
  const own = { agent: 'agentId', mission: 'missionId', run: 'runId' } as const;
  const parents = { agent: 'lineageAgents', mission: 'lineageMissions', run: 'lineageRuns' } as const;
  return asParent ? { agentId: 'nobody', [parents[type]]: ['nobody', id] } : { [own[type]]: id };
};

test('finds every kill that is there and none that is not, with few kills and with many, killed and revived at random', () => {
  const state = live();
  const killed = new Set<string>();
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let step = 0; step < 60_000; step += 1) {
    const index = random(30_000);
    const target = `${TYPES[index % 3]}:${idAt(index)}`;
    if (random(4) === 0) {
      state.put(`kill:${target}`, undefined);
      killed.delete(target);
    } else {
      kill(state, target);
      killed.add(target);
    }
    if (step % 100 === 0) expect(state.killCount).toBe(killed.size);
  }
  expect(killed.size).toBeGreaterThan(10_000);
  let passedOver = 0;
  for (let index = 0; index < 40_000; index += 1) {
    const type = TYPES[index % 3] as (typeof TYPES)[number];
    for (const asParent of [false, true]) {
      const subject = subjectOf(type, idAt(index), asParent);
      const { mode } = resolveMode(state, subject, () => 0);
      const expected = killed.has(`${type}:${idAt(index)}`) ? 'full_stop' : 'live';
      if (mode !== expected) expect.fail(`${JSON.stringify(subject)} is ${mode} instead of ${expected}`);
      if (!state.mayBeNamed(subject)) passedOver += 1;
    }
  }
  expect(passedOver).toBeGreaterThan(10_000); // else it was the kills alone that told
});

test('finds kills of ids that differ only in characters that the filter does not look at', () => {
  const state = live();
  const idOf = (index: number): string => `head${String(index).padStart(6, '0')}-and-a-tail-that-never-changes`;
  for (let index = 0; index < 9_000; index += 1) kill(state, `agent:${idOf(index)}`);
  for (let index = 0; index < 9_000; index += 1) {
    if (resolveMode(state, { agentId: idOf(index) }, () => 0).mode !== 'full_stop')
      expect.fail(`${idOf(index)} is missed`);
  }
  expect(resolveMode(state, { agentId: idOf(9_000) }, () => 0).mode).toBe('live');
});

test('finds the last of more parents than the filter looks at', () => {
  const state = live();
  for (let index = 0; index < 9_000; index += 1) kill(state, `run:${idAt(index)}`);
  const parents = Array.from({ length: 200 }, (_, index) => `parent-${index}`);
  expect(resolveMode(state, { lineageRuns: parents }, () => 0).mode).toBe('live');
  expect(resolveMode(state, { lineageRuns: [...parents, idAt(17)] }, () => 0).mode).toBe('full_stop');
});

describe('the filter by itself', () => {
  const ids = (prefix: string, many: number): string[] =>
    Array.from({ length: many }, (_, index) => `${prefix}-${index * 7919}`);

  /** A filter to which these ids were added one by one, as kills of an otherwise empty state. */
  const filled = (killed: readonly string[]): KillFilter => {
    const filter = new KillFilter();
    for (const [index, id] of killed.entries()) filter.add(id, () => killed.slice(0, index + 1), index + 1);
    return filter;
  };
  const passes = (filter: KillFilter, among: readonly string[]): number =>
    among.filter((agentId) => filter.mayName({ agentId })).length;

  test('passes everything over to the kills while they are few, also where many were revived meanwhile', () => {
    const few = filled(ids('agent', 4095));
    expect(few.mayName({ agentId: 'nobody' })).toBe(true);
    few.add('agent-x', () => ['agent-x'], 1);
    expect(few.mayName({ agentId: 'nobody' })).toBe(true);
  });

  test.each([4096, 8191, 8192, 16_383, 20_000])(
    'with %i kills misses none, and hardly takes others for them',
    (many) => {
      for (const form of ['x', 'agent-of-the-returns-department', '😀-eine-längere-Kennung']) {
        const killed = ids(form, many);
        const filter = filled(killed);
        expect(passes(filter, killed)).toBe(many);
        expect(passes(filter, ids(`${form}y`, 20_000))).toBeLessThan(100);
        expect(passes(filter, ids(`y${form}`, 20_000))).toBeLessThan(100);
      }
    },
  );

  test('looks at each agent, mission and run that a subject names, and at its parents’', () => {
    const killed = ids('agent', 4096);
    const filter = filled(killed);
    const [id] = killed as [string];
    for (const own of ['agentId', 'missionId', 'runId'] as const) {
      expect(filter.mayName({ [own]: 'nobody' })).toBe(false);
      expect(filter.mayName({ [own]: id })).toBe(true);
    }
    for (const parents of ['lineageAgents', 'lineageMissions', 'lineageRuns'] as const) {
      expect(filter.mayName({ [parents]: ['nobody', 'no one'] })).toBe(false);
      expect(filter.mayName({ agentId: 'nobody', [parents]: ['nobody', id, 'no one'] })).toBe(true);
    }
    expect(filter.mayName({})).toBe(false);
  });

  test('looks at 64 ids of one subject, and passes on a subject that names more', () => {
    const killed = ids('agent', 4096);
    const filter = filled(killed);
    const parents = ids('parent', 64);
    expect(filter.mayName({ lineageRuns: parents })).toBe(false);
    expect(filter.mayName({ lineageRuns: parents.with(63, killed[0] ?? '') })).toBe(true);
    expect(filter.mayName({ lineageRuns: [...parents, 'one more'] })).toBe(true);
  });

  test('forgets what was revived when it is full and made anew', () => {
    const [revived, left] = [ids('revived', 4096), ids('left', 8192)];
    const filter = filled(revived);
    for (const [index, id] of left.entries()) {
      expect(filter.mayName({ agentId: 'revived-0' })).toBe(index < 4096);
      filter.add(id, () => left.slice(0, index + 1), 4096 + index + 1);
    }
    expect(passes(filter, left)).toBe(8192);
    expect(passes(filter, revived)).toBeLessThan(20);
  });
});
