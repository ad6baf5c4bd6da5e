import { expect, test } from 'vitest';
import { ruleProblem } from '../../flags/index.ts';

const variable = (name: unknown): unknown => ({ var: name });
const clock = '$kill_switch.timestamp';
const isGold = { '===': [variable('tier'), 'gold'] };
const withSecond = (condition: unknown): unknown => ({ if: [isGold, 'live', condition, 'paused', 'read_only'] });

test.each<[string, unknown, RegExp]>([
  ['an argument behind a sound one', { '===': [variable('outer'), variable(clock)] }, /only the switch/],
  ['the second operation of an object', { '!': [variable('outer')], '!!': [variable(clock)] }, /needs a condition/],
  ['the second condition of and', { and: [isGold, { '===': [variable(clock), 1] }] }, /only the switch/],
  ['the second condition of or', { or: [isGold, { or: [isGold, variable(clock)] }] }, /only the switch/],
  ['what is denied', { '!': [variable(clock)] }, /only the switch/],
  ['what is denied, without a list', { '!': variable(clock) }, /only the switch/],
  ['a condition in a condition', { if: [isGold, true, variable(clock), true, false] }, /only the switch/],
  ['what a fallback names', { '===': [variable(['tier', variable(clock)]), 'gold'] }, /only the switch/],
  ['the third side of a comparison', { '<': [0, variable(['n', 1]), variable('$flagd')] }, /of \$flagd only/],
  ['an attribute of two kinds', { '===': [variable('tier'), 5] }, /uses "tier" as a number, but it is a text/],
  ['an identity as a number', { '===': [variable('agent_id'), 5] }, /"agent_id" as a number, but it is a text/],
  ['the time as a text', { '===': [variable('$flagd.timestamp'), 'x'] }, /as a text, but it is a number/],
  ['a fallback of another kind', { '>': [variable(['n', 'x']), 0] }, /the fallback "x" where it needs a number/],
  ['an iteration over what is no list of arguments', { some: variable('list') }, /"some" without a list/],
])('a problem is found in %s', (_, condition, problem) => {
  expect(ruleProblem(withSecond(condition))).toMatch(problem);
});

test.each([
  ['a number where it answers', 5],
  ['a condition where it answers', isGold],
  ['the wrong word where it answers', { '==': [1, 1] }],
])('a rule with %s has a problem', (_, answer) => {
  expect(ruleProblem({ if: [isGold, 'live', answer] })).toMatch(/where it needs an answer/);
});

test('no rule is no problem', () => {
  for (const rule of [null, undefined, {}]) expect(ruleProblem(rule)).toBe(null);
});
