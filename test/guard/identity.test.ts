import { describe, expect, test } from 'vitest';
import {
  checkId,
  childIdentity,
  formatLineage,
  type Identity,
  isAbove,
  parseLineage,
  unidentified,
} from '../../guard/identity.ts';
import { subjectOf } from '../../guard/subject.ts';

const none = { agentId: undefined, missionId: undefined, runId: undefined };
const boss = childIdentity(undefined, { agentId: 'boss', missionId: 'm-boss', runId: 'r-boss' }, undefined);
const worker = childIdentity(boss, { agentId: 'worker', missionId: 'm-worker', runId: 'r-worker' }, undefined);

describe('the identity of a child', () => {
  test('has all of its parents in its lineage, the eldest first', () => {
    expect(worker).toEqual({
      agentId: 'worker',
      missionId: 'm-worker',
      runId: 'r-worker',
      lineageAgents: ['boss'],
      lineageMissions: ['m-boss'],
      lineageRuns: ['r-boss'],
    });
    const hand = childIdentity(worker, { agentId: 'hand', missionId: 'm-hand', runId: 'r-hand' }, undefined);
    expect([hand.lineageAgents, hand.lineageMissions, hand.lineageRuns]).toEqual([
      ['boss', 'worker'],
      ['m-boss', 'm-worker'],
      ['r-boss', 'r-worker'],
    ]);
  });

  test('takes agent and mission of its parent where it names none, and is a run of its own', () => {
    expect(childIdentity(worker, { ...none, runId: 'r' }, undefined)).toMatchObject({
      agentId: 'worker',
      missionId: 'm-worker',
      runId: 'r',
      lineageRuns: ['r-boss', 'r-worker'],
    });
    expect(childIdentity(worker, none, undefined).runId).toBeUndefined();
  });

  test('has the lineage that it was handed besides, each name once', () => {
    const handed = { lineageAgents: ['far', 'boss'], lineageMissions: ['m-far'], lineageRuns: ['r-far', 'r-far'] };
    expect(childIdentity(worker, none, handed)).toMatchObject({
      lineageAgents: ['boss', 'worker', 'far'],
      lineageMissions: ['m-boss', 'm-worker', 'm-far'],
      lineageRuns: ['r-boss', 'r-worker', 'r-far'],
    });
    expect(childIdentity(undefined, none, undefined)).toEqual({
      ...none,
      lineageAgents: [],
      lineageMissions: [],
      lineageRuns: [],
    });
  });
});

describe('a lineage', () => {
  test('is handed on as a text, with the one who hands it', () => {
    expect(parseLineage(formatLineage(worker))).toEqual({
      lineageAgents: ['boss', 'worker'],
      lineageMissions: ['m-boss', 'm-worker'],
      lineageRuns: ['r-boss', 'r-worker'],
    });
    expect(formatLineage({ ...worker, agentId: 'a>>>?' })).toMatch(/^[\w-]+$/); // it may stand in a URL
  });

  const text = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  test.each([
    ['no text of ours', 'nonsense'],
    ['nothing', ''],
    ['no list', text({})],
    ['a text of three letters', text('abc')],
    ['too few lists', text([[], []])],
    ['too many lists', text([[], [], [], []])],
    ['something that is no list', text([[], 'abc', []])],
    ['a name that is none', text([['a'], [''], []])],
    ['a name that is none beside one that is', text([['a', ''], ['m'], ['r']])],
    ['a name that is no text', text([['a'], [], [7]])],
  ])('that is %s is refused', (_what, lineage) => {
    expect(() => parseLineage(lineage)).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message:
          'This lineage cannot be read. Pass on the text of run.lineage unchanged: without its parents a run would miss their kills.',
      }),
    );
  });
});

describe('one is above another', () => {
  test('where every kill that reaches it reaches the other', () => {
    expect([isAbove(boss, worker), isAbove(worker, boss)]).toEqual([true, false]);
    expect([isAbove(worker, worker), isAbove({}, boss), isAbove({}, {})]).toEqual([true, true, true]);
  });

  const ids = ['agentId', 'missionId', 'runId'] as const;
  const lineages = ['lineageAgents', 'lineageMissions', 'lineageRuns'] as const;
  test.each(ids)('not where the other has another %s', (id) => {
    expect(isAbove({ ...boss, [id]: 'other' }, worker)).toBe(false);
    expect(isAbove({ ...worker, [id]: 'other' }, worker)).toBe(false);
    expect(isAbove({ [id]: 'x' }, {})).toBe(false);
    expect(isAbove({ [id]: 'x' }, { [id]: 'x' })).toBe(true);
  });
  test.each(lineages)('not where the other misses one of its %s', (lineage) => {
    expect(isAbove({ ...boss, [lineage]: ['elder'] }, worker)).toBe(false);
    expect(isAbove({ ...boss, [lineage]: ['elder'] }, { ...worker, [lineage]: ['elder', ...worker[lineage]] })).toBe(
      true,
    );
    expect(isAbove({ [lineage]: ['x'] }, {})).toBe(false);
  });
});

test('an id is checked under its name; none is none', () => {
  expect([checkId('agentId', undefined), checkId('agentId', 'x')]).toEqual([undefined, 'x']);
  expect(() => checkId('agentId', '')).toThrow(/^agentId /);
});

test('the subject of a decision has the terms of the action and who acts; an empty lineage is none', () => {
  const action = { name: 'a.b', effect: 'read', surface: 'tool', feature: 'f' } as const;
  expect(subjectOf(action, 'org', worker)).toEqual({
    organizationId: 'org',
    agentId: 'worker',
    missionId: 'm-worker',
    runId: 'r-worker',
    lineageAgents: ['boss'],
    lineageMissions: ['m-boss'],
    lineageRuns: ['r-boss'],
    action: 'a.b',
    effect: 'read',
    surface: 'tool',
    feature: 'f',
  });
  const alone: Identity = boss;
  for (const subject of [subjectOf(action, 'org', alone), subjectOf(action, 'org', undefined)])
    expect(subject).toMatchObject({ lineageAgents: undefined, lineageMissions: undefined, lineageRuns: undefined });
});

test('a call of nobody is told how to name somebody', () => {
  expect(unidentified(true)).toMatch(/^this call came from outside every run.*requireRun.*run\.bind\(…\)/);
  expect(unidentified(false)).toMatch(/^this call names no agent: perform it inside killSwitch\.run\(.*agentId$/);
});
