import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compileFlagd, MODES, State } from '../../flags/index.ts';
import { validateFlagd } from '../../operator/flagd-validate.ts';
import { REFUSED_RULES, SOUND_RULES } from '../flags/base-rules.ts';
import { putKill, putRule } from '../flags/arbitraries.ts';
import { LAST_CHANGE } from '../flags/last-change.ts';

const modeVariants = Object.fromEntries(MODES.map((mode) => [mode, mode]));
const flag = (changes: object): object => ({
  state: 'ENABLED',
  variants: modeVariants,
  defaultVariant: 'full_stop',
  ...changes,
});
const validate = (flags: object, rest: object = {}) => validateFlagd(JSON.stringify({ flags, ...rest }));
const withMode = (changes: object) => validate({ 'kill-switch.mode': flag(changes) });
const stages = (names: readonly string[], changes: object): object =>
  flag({ variants: Object.fromEntries(names.map((name) => [name, name])), ...changes });
const FEATURE = ['dark', 'shadow', 'gated', 'live'];
const AUTONOMY = ['human_in_the_loop', 'human_on_the_loop', 'autonomous', 'trusted'];

describe('validating a flagd definition', () => {
  test('finds nothing to say about the definition that the package ships', () => {
    const shipped = readFileSync(new URL('../../flags/kill-switch.flagd.json', import.meta.url), 'utf8');
    expect(validateFlagd(shipped)).toEqual({ ok: true, problems: [], missing: [], unsafe: [] });
  });

  test('finds nothing to say about an export with the dead man, whatever it grants', () => {
    const state = new State();
    state.put('mode', { mode: 'live', targeting: null, ...LAST_CHANGE });
    state.put('feature:refunds', { stage: 'live', ...LAST_CHANGE });
    state.put('limit:refund.max', { value: 200, ...LAST_CHANGE });
    state.put('autonomy:email.send', { stage: 'trusted', ...LAST_CHANGE });
    for (const target of ['agent:a', 'mission:m', 'run:r', 'action:mail.*', 'feature:f', 'surface:tool'])
      putKill(state, target, 'read_only');
    putRule(state, 'night', { target: 'agent:b', mode: 'paused' });
    putRule(state, 'prod', {
      target: 'all',
      mode: 'read_only',
      when: { '===': [{ var: 'environment' }, 'production'] },
    });
    const text = JSON.stringify(compileFlagd(state, { validUntil: 2_000_000_000 }));
    expect(validateFlagd(text, 2_000_000_000_000 - 10_000)).toEqual({
      ok: true,
      problems: [],
      missing: [],
      unsafe: [],
    });
  });

  test('warns that an export without the dead man never stops by itself', () => {
    const state = new State();
    state.put('mode', { mode: 'live', targeting: null, ...LAST_CHANGE });
    const found = validateFlagd(JSON.stringify(compileFlagd(state)));
    expect(found).toMatchObject({ ok: true, missing: [], unsafe: [] });
    expect(found.problems).toMatchObject([{ path: '/flags/kill-switch.mode/targeting', severity: 'warning' }]);
    expect(found.problems[0]?.message).toMatch(/no dead man.*export --watch/);
  });

  test.each([
    ['', /^The definition is empty/],
    ['  \n', /^The definition is empty/],
    ['\uFEFF{"flags":{}}', /byte order mark/],
    ['{"flags":', /^The definition is not JSON: /],
    ['null', /must be a JSON object/],
    ['[]', /must be a JSON object/],
    ['"kill-switch.mode"', /must be a JSON object/],
  ])('says in a sentence why it cannot read %j', (text, sentence) => {
    const { ok, problems, missing } = validateFlagd(text);
    expect({ ok, missing }).toEqual({ ok: false, missing: ['kill-switch.mode'] });
    expect(problems).toHaveLength(1);
    expect(problems[0]?.message).toMatch(sentence);
  });

  test('names the missing flag and where to get one', () => {
    const { ok, problems, missing } = validate({});
    expect({ ok, missing }).toEqual({ ok: false, missing: ['kill-switch.mode'] });
    expect(problems.map(({ message }) => message).join()).toMatch(/kill-switch\.flagd\.json/);
  });

  test.each<[string, object, string, string]>([
    ['is disabled', { state: 'DISABLED' }, '/state', 'error'],
    ['has no default variant', { defaultVariant: undefined }, '/defaultVariant', 'error'],
    ['has null as its default variant', { defaultVariant: null }, '/defaultVariant', 'error'],
    ['has a variant that is not a mode', { variants: { ...modeVariants, on: 'go' } }, '/variants/on', 'error'],
    ['is live without a dead man', { defaultVariant: 'live' }, '/targeting', 'warning'],
    ['is live by default', { defaultVariant: 'live' }, '/defaultVariant', 'warning'],
    ['has targeting without a dead man', { targeting: { if: [true, 'live', null] } }, '/targeting', 'warning'],
  ])('says so when kill-switch.mode %s', (_, changes, member, severity) => {
    const found = withMode(changes);
    expect(found.ok).toBe(severity === 'warning');
    expect(found.problems).toContainEqual({
      path: `/flags/kill-switch.mode${member}`,
      message: expect.any(String),
      severity,
    });
    expect(found.unsafe).toEqual(
      'defaultVariant' in changes && changes.defaultVariant === 'live' ? ['kill-switch.mode'] : [],
    );
  });

  test.each([
    ['the time leads to something else', { if: [{ '>=': [{ var: '$flagd.timestamp' }, 9] }, 'live', 'full_stop'] }],
    ['the time is not asked first', { if: [true, 'live', { '>=': [{ var: '$flagd.timestamp' }, 9] }, 'full_stop'] }],
  ])('does not take it for a dead man when %s', (_, targeting) => {
    expect(withMode({ targeting }).problems).toContainEqual(
      expect.objectContaining({ path: '/flags/kill-switch.mode/targeting', severity: 'warning' }),
    );
  });

  test('knows the safe defaults and the values of features, limits and autonomy', () => {
    const found = validate({
      'kill-switch.mode': flag({}),
      'kill-switch.feature.a': stages(FEATURE, { defaultVariant: 'dark' }),
      'kill-switch.feature.b': stages(FEATURE, { defaultVariant: 'gated' }),
      'kill-switch.feature.c': stages(['on', 'dark'], { defaultVariant: 'dark' }),
      'kill-switch.limit.a': flag({ variants: { max: 200 }, defaultVariant: 'max' }),
      'kill-switch.limit.b': flag({ variants: { max: -1 }, defaultVariant: 'max' }),
      'kill-switch.limit.c': flag({ variants: { max: '200' }, defaultVariant: 'max' }),
      'kill-switch.autonomy.a': stages(AUTONOMY, { defaultVariant: 'human_in_the_loop' }),
      'kill-switch.autonomy.b': stages(AUTONOMY, { defaultVariant: 'trusted' }),
      'kill-switch.modes': stages(['live'], { defaultVariant: 'live' }),
      colour: stages(['red'], { defaultVariant: 'red' }),
    });
    expect(found.unsafe).toEqual(['kill-switch.feature.b', 'kill-switch.autonomy.b']);
    expect(found.problems.filter(({ severity }) => severity === 'error').map(({ path }) => path)).toEqual([
      '/flags/kill-switch.feature.c/variants/on',
      '/flags/kill-switch.limit.b/variants/max',
      '/flags/kill-switch.limit.c/variants/max',
    ]);
    expect(found.problems.find(({ path }) => path === '/flags/kill-switch.modes')?.message).toMatch(/misspelt/);
  });

  test.each<[string, object, string, RegExp]>([
    [
      'an operation that flagd does not know',
      { targeting: { try: ['live'] } },
      '/targeting',
      /"try" is not an operation/,
    ],
    [
      'one deep inside others',
      { targeting: { if: [{ '===': [1, 1] }, { if: [{ and: [{ foo: [1] }] }, 'red', null] }, 'red'] } },
      '/targeting/if/1/if/0/and/0',
      /^"foo" is not an operation of flagd's targeting$/,
    ],
    ['too few operands', { targeting: { if: [{ in: ['a'] }, 'red'] } }, '/targeting/if/0/in', /fewer than 2 items/],
    [
      'two operations at once',
      { targeting: { if: [true, 'red'], and: [true] } },
      '/targeting',
      /2 operations \("if", "and"\) where one can stand/,
    ],
    [
      'a weight that is none',
      {
        targeting: {
          fractional: [
            ['red', 'x'],
            ['red', 1],
          ],
        },
      },
      '/targeting/fractional/0/1',
      /integer/,
    ],
    ['a rule that nobody defined', { targeting: { if: [{ $ref: 'x' }, 'live'] } }, '', /Invalid targeting/],
    ['values of several types', { variants: { red: 'red', one: 1 } }, '/variants', /one type/],
    ['a state that is none', { state: 'ON' }, '/state', /ENABLED/],
    ['no variants', { variants: {} }, '/variants', /fewer than 1/],
    ['a default that is no variant', { defaultVariant: 'green' }, '', /Default variant green missing/],
  ])('reports once, and where, what flagd’s own schema refuses: %s', (_, changes, member, message) => {
    const colour = { state: 'ENABLED', variants: { red: 'red' }, defaultVariant: 'red', ...changes };
    const found = validate({ 'kill-switch.mode': flag({}), colour });
    expect(found.ok).toBe(false);
    expect(found.problems).toHaveLength(1);
    expect(found.problems[0]?.path).toBe(`/flags/colour${member}`);
    expect(found.problems[0]?.message).toMatch(message);
  });

  test.each<[string, unknown, string | null]>([
    ['an attribute', { fractional: [{ var: 'email' }, ['live', 50], ['paused', 50]] }, '/fractional'],
    ['a list with it', { fractional: [{ var: ['email'] }, ['live', 50], ['paused', 50]] }, '/fractional'],
    [
      'a text with it',
      { fractional: [{ cat: [{ var: '$flagd.flagKey' }, { var: 'email' }] }, ['live', 1]] },
      '/fractional',
    ],
    ['one deep inside', { if: [true, { fractional: [{ var: 'email' }, ['live', 1]] }] }, '/if/1/fractional'],
    ['one with a fallback', { fractional: [{ var: ['email', 'none'] }, ['live', 50], ['paused', 50]] }, null],
    [
      'the targeting key',
      {
        fractional: [
          ['live', 50],
          ['paused', 50],
        ],
      },
      null,
    ],
  ])('warns of a share by %s where its absence is read in two ways', (_, targeting, member) => {
    const found = withMode({ targeting }).problems.filter(({ message }) => message.includes('shares out'));
    expect(found.map(({ path, severity }) => [path, severity])).toEqual(
      member === null ? [] : [[`/flags/kill-switch.mode/targeting${member}`, 'warning']],
    );
  });

  test('reads flags that are a list, as flagd does, and says who cannot', () => {
    const { ok, problems, missing } = validateFlagd(
      JSON.stringify({ flags: [{ key: 'kill-switch.mode', ...flag({}) }] }),
    );
    expect({ ok, missing }).toEqual({ ok: true, missing: [] });
    expect(problems).toMatchObject([{ path: '/flags', severity: 'warning' }]);
  });

  test.each<[string, unknown, string | null]>([
    ['that second has come', { '>=': [{ var: '$flagd.timestamp' }, 1000] }, null],
    ['that second has passed, from the other side', { '<': [1000, { var: ['$flagd.timestamp'] }] }, null],
    [
      'that second has come, or something else',
      { or: [{ '===': [{ var: 'x' }, 1] }, { '>=': [{ var: '$flagd.timestamp' }, 1000] }] },
      null,
    ],
    ['that second has not come', { '<': [{ var: '$flagd.timestamp' }, 0] }, 'has no dead man'],
    ['it is that very second', { '==': [{ var: '$flagd.timestamp' }, 1000] }, 'has no dead man'],
    [
      'that second has come, and something else',
      { and: [{ '>=': [{ var: '$flagd.timestamp' }, 1000] }, { var: 'x' }] },
      'has no dead man',
    ],
    ['there is a time at all', { '!': [{ var: '$flagd.timestamp' }] }, 'has no dead man'],
    [
      'a second of the year 5138 has come',
      { '>=': [{ var: '$flagd.timestamp' }, 99_999_999_999] },
      'has a dead man that is due in 1157407 days',
    ],
  ])('takes for a dead man only a first look at whether a second has come, and soon: %s', (_, condition, message) => {
    const definition = { flags: { 'kill-switch.mode': flag({ targeting: { if: [condition, 'full_stop', 'live'] } }) } };
    const { problems } = validateFlagd(JSON.stringify(definition), 1_000_000);
    expect(problems.map(({ path, severity }) => `${severity} ${path}`)).toEqual(
      message === null ? [] : ['warning /flags/kill-switch.mode/targeting'],
    );
    expect(problems[0]?.message ?? null).toEqual(message === null ? null : expect.stringContaining(message));
  });

  test('shows of a value, a name and a list of megabytes only the beginning', () => {
    const long = 'x'.repeat(5_000_000);
    const { problems } = validate(
      {
        'kill-switch.mode': flag({ variants: { ...modeVariants, [`m${long}`]: 'live', odd: long } }),
        [`kill-switch.${long}`]: flag({}),
      },
      { metadata: { left_out: long } },
    );
    expect(problems.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^"x{75}…" is not a mode: live/),
    );
    for (const { path, message } of problems) expect(path.length + message.length).toBeLessThan(2500);
  });

  test.each(Object.entries(REFUSED_RULES))(
    'warns of a rule that evaluators answer differently: %s',
    (_, [rule, why]) => {
      const path = '/flags/kill-switch.mode/targeting';
      expect(withMode({ targeting: rule }).problems).toContainEqual({
        severity: 'warning',
        path,
        message: expect.stringMatching(why),
      });
    },
  );

  test.each(Object.entries(SOUND_RULES))(
    'has nothing against an export with a base mode by a rule: %s',
    (_, targeting) => {
      const state = new State();
      state.put('mode', { mode: 'read_only', targeting, ...LAST_CHANGE });
      state.epoch = 1;
      const definition = compileFlagd(state, { validUntil: 1060 });
      expect(validateFlagd(JSON.stringify(definition), 1_000_000).problems).toEqual([]);
    },
  );

  test('repeats which flags an export left out', () => {
    const { problems } = validate({ 'kill-switch.mode': flag({}) }, { metadata: { left_out: 'colour' } });
    expect(problems).toMatchObject([{ path: '/metadata/left_out', severity: 'warning' }]);
    expect(problems[0]?.message).toMatch(/colour/);
  });

  test.each(['__proto__', 'constructor', 'hasOwnProperty'])('is not fooled by variants and flags named %s', (name) => {
    const text = `{"flags":{"${name}":1,"kill-switch.mode":{"state":"ENABLED","variants":{"live":"live"},"defaultVariant":"${name}"}}}`;
    const { ok, problems } = validateFlagd(text);
    expect(ok).toBe(false);
    expect(problems.map(({ path }) => path)).toContain('/flags/kill-switch.mode/defaultVariant');
  });
});
