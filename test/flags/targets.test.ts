import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  actionNameProblem,
  actionPatterns,
  formatTarget,
  idProblem,
  MAX_ID_LENGTH,
  parseTarget,
  reaches,
  readTarget,
  resolveMode,
  restrictsNobody,
  State,
  TARGET_TYPES,
} from '../../flags/index.ts';
import { IDS, putKill } from './arbitraries.ts';
import { LAST_CHANGE } from './last-change.ts';

const kinds = TARGET_TYPES.filter((type) => type !== 'all');

describe('targets', () => {
  test('come back from their text as they were, with everything after the first colon verbatim', () => {
    const id = fc
      .oneof(fc.constantFrom(...IDS), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 512 }))
      .filter((text) => idProblem(text) === null && !text.includes('*'));
    fc.assert(
      fc.property(fc.constantFrom(...kinds), id, (type, given) => {
        const target = parseTarget(`${type}:${given}`);
        expect(target).toEqual({ type, id: given });
        expect(formatTarget(target)).toBe(`${type}:${given}`);
      }),
    );
    expect(parseTarget('all')).toEqual({ type: 'all', id: '' });
    expect(formatTarget({ type: 'all', id: '' })).toBe('all');
    expect(parseTarget('agent:a:b:c').id).toBe('a:b:c');
  });

  test('refuse a bare word with the form to paste', () => {
    expect(() => parseTarget('returns-bot')).toThrow('kill-switch kill agent:returns-bot');
  });

  test.each([
    ['', /not a target/],
    ['agent', /"agent" is not a target: the id after "agent:" must not be empty/],
    ['a\nb', /is not a target: it must not contain control characters/],
    ['*', /^"\*" is not a target\. To stop everything: kill-switch kill all$/],
    ['agent:', /must not be empty/],
    ['all:', /"all" stands alone/],
    ['all:x', /"all" stands alone/],
    ['ALL', /not a target/],
    ['robot:x', /must begin with one of all, agent/],
    [':x', /must begin with one of/],
    ['__proto__:x', /must begin with one of/],
    ['agent:a\nb', /control characters/],
    [`agent:${'x'.repeat(513)}`, /at most 512 characters, not 513/],
    [7, /A target is a text/],
    [null, /A target is a text/],
    [undefined, /A target is a text/],
    [['all'], /A target is a text/],
  ])('refuse %j', (text, sentence) => {
    expect(() => parseTarget(text)).toThrow(sentence);
    expect(() => parseTarget(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

describe('a * in a target', () => {
  test.each([
    ['action:*', 'it would match no action. To stop everything: kill-switch kill all'],
    ['action:.*', 'it would match no action. To stop everything: kill-switch kill all'],
    [
      'action:**',
      'a * stands only at the end of an action, after a dot. Name each action, or all that begin alike (action:DOMAIN.*). To stop everything: kill-switch kill all',
    ],
    [
      'action:pay..*.x',
      'a * stands only at the end of an action, after a dot. For all actions that begin with "pay.": kill-switch kill \'action:pay.*\'',
    ],
    ['agent:*', '"*" would be one id like any other. To stop everything: kill-switch kill all'],
  ])('is refused in %s with what to write instead', (text, problem) => {
    expect(() => parseTarget(text)).toThrow(`"${text}" is not a target: ${problem}`);
  });

  test('restricts nobody where a log has it in a place that no target may have it', () => {
    for (const recorded of ['action:*', 'action:a*b.*', 'action:pay.*.x', 'agent:*'])
      expect([recorded, restrictsNobody(recorded)]).toEqual([recorded, true]);
    for (const recorded of ['all', 'action:pay.*', 'action:pay', 'agent:a*', 'feature:x'])
      expect([recorded, restrictsNobody(recorded)]).toEqual([recorded, false]);
  });

  test.each(['action:pay.*', 'action:a.b.*', 'action:a..*', 'agent:a*', 'feature:*x', 'surface:a.*'])(
    'stands in %s, where it means what it says',
    (text) => expect(formatTarget(parseTarget(text))).toBe(text),
  );

  test.each([
    ['action:*', 'kill-switch kill all'],
    ['action:.*', 'kill-switch kill all'],
    ['action:**', 'kill-switch kill all'],
    ['action:*.refund', 'kill-switch kill all'],
    ['action:pay*', "kill-switch kill 'action:pay.*'"],
    ['action:pay.*.x', "kill-switch kill 'action:pay.*'"],
    ['action:pay**', "kill-switch kill 'action:pay.*'"],
    ['action:pay*.*', "kill-switch kill 'action:pay.*'"],
    ['action:a.p*y', "kill-switch kill 'action:a.p.*'"],
    ["action:it's*", "kill-switch kill 'action:it'\\''s.*'"],
    ['agent:*', 'kill-switch kill all'],
    ['mission:*', 'kill-switch kill all'],
    ['run:*', 'kill-switch kill all'],
    ['feature:*', 'kill-switch kill all'],
    ['surface:*', 'kill-switch kill all'],
  ])('is refused in %s, which stops nothing, with the form to paste', (text, paste) => {
    expect(() => parseTarget(text)).toThrow(paste);
    expect(() => parseTarget(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    // An older version may have recorded it: a log with it must stay readable.
    expect(formatTarget(readTarget(text))).toBe(text);
  });

  test('is refused in the name of an action, which would be that of a pattern', () => {
    expect(['pay.refund', 'pay.'].map(actionNameProblem)).toEqual([null, null]);
    for (const name of ['*', 'pay.*', 'pay*', '*.refund', 'p*y'])
      expect(actionNameProblem(name), name).toMatch(/must not/);
  });
});

describe('action patterns', () => {
  test.each([
    ['email.send', ['email.*']],
    ['email.send.now', ['email.send.*', 'email.*']],
    ['email', []],
    ['email.', ['email.*']],
    ['.x', []],
    ['.*', []],
    ['a..b', ['a..*', 'a.*']],
    ['', []],
  ])('that match %j are %j', (action, patterns) => {
    expect(actionPatterns(action)).toEqual(patterns);
  });

  test('are exactly those whose prefix the action begins with', () => {
    const action = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 8 });
    fc.assert(
      fc.property(action, action, (given, domain) => {
        fc.pre(domain !== '');
        expect(actionPatterns(given).includes(`${domain}.*`)).toBe(given.startsWith(`${domain}.`));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('ids', () => {
  test.each([...IDS, '😀'.repeat(MAX_ID_LENGTH), 'é'.repeat(MAX_ID_LENGTH)])('may be %s', (id) => {
    expect(idProblem(id)).toBeNull();
  });

  test.each([
    ['', /not be empty/],
    ['*', /must not be "\*"/],
    ['x'.repeat(513), /at most 512 characters, not 513/],
    ['😀'.repeat(513), /at most 512 characters, not 513/],
    ['a\u0000', /control/],
    ['a\nb', /control/],
    ['\u001b[2J', /control/],
    ['\u007f', /control/],
    ['\u0085', /control/],
    ['a\u2028b', /control/],
    ['\ud800', /surrogate/],
    [7, /must be a string, not number/],
    [null, /must be a string, not null/],
    [undefined, /must be a string, not undefined/],
    [['a'], /must be a string, not object/],
  ])('may not be %j', (id, problem) => {
    expect(idProblem(id)).toMatch(problem);
  });
});

describe('what a target reaches', () => {
  const names = fc.constantFrom('a', 'b', 'a.b', 'a.b.c');
  const some = fc.option(names, { nil: undefined });
  const list = fc.option(fc.array(names, { maxLength: 2 }), { nil: undefined });
  const subjects = fc.record({
    ...{ agentId: some, missionId: some, runId: some, action: some, feature: some, surface: some },
    ...{ lineageAgents: list, lineageMissions: list, lineageRuns: list },
  });

  test('is what a kill of it restricts', () => {
    const targets = fc.oneof(
      fc.constant('all'),
      fc.tuple(fc.constantFrom(...kinds), names).map(([type, id]) => `${type}:${id}`),
      fc.constantFrom('action:a.*', 'action:a.b.*', 'action:b.*'),
    );
    fc.assert(
      fc.property(targets, subjects, (target, subject) => {
        const state = new State();
        state.put('mode', { mode: 'live', targeting: null, ...LAST_CHANGE });
        putKill(state, target, 'full_stop');
        // a feature restricts by its stage too
        const { cause } = resolveMode(state, { ...subject, feature: undefined }, () => 0);
        const restricted = cause.kind === 'kill';
        expect(reaches(parseTarget(target), { ...subject, feature: undefined })).toBe(restricted);
        expect(reaches(parseTarget(target), subject)).toBe(restricted || target === `feature:${subject.feature}`);
      }),
    );
  });
});
