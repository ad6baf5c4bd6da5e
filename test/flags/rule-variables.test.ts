import { expect, test } from 'vitest';
import { variableProblem } from '../../flags/index.ts';

const variable = (name: unknown): unknown => ({ var: name });
const clock = '$kill_switch.timestamp';

test.each<[string, unknown, RegExp]>([
  ['an argument behind a sound one', { '==': [variable('outer'), variable(clock)] }, /only the switch/],
  ['the second operation of an object', { '!': [variable('outer')], '!!': [variable(clock)] }, /only the switch/],
  ['the second name that may be missing', { missing: ['outer', clock] }, /only the switch/],
  ['one of several names of which some may be missing', { missing_some: [1, ['outer', clock]] }, /only the switch/],
  ['the only name in place of the list of missing_some', { missing_some: clock }, /only the switch/],
  ['an iteration over what is no list of arguments', { some: variable('list') }, /"some" without a list/],
])('a problem is found in %s', (_, rule, problem) => {
  expect(variableProblem(rule)).toMatch(problem);
});

test('reduce may begin with nothing, since that is a constant', () => {
  const sum = { '+': [variable('current'), variable('accumulator')] };
  expect(variableProblem({ reduce: [variable('list'), sum, null] })).toBeNull();
});
