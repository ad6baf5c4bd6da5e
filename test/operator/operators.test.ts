import { expect, test } from 'vitest';
import { actorName, givenOperator, SYSTEM } from '../../operator/operators.ts';

test('the operator that a program names is unverified, whatever roles it is given', () => {
  expect(givenOperator({ id: 'dana' })).toEqual({ is: 'unverified', id: 'dana', roles: undefined });
  const operator = givenOperator({ id: 'dana', roles: ['admin'] });
  expect(operator).toEqual({ is: 'unverified', id: 'dana', roles: ['admin'] });
  expect(actorName(operator)).toBe('unverified:dana');
});

test('no operator can have the name of the system', () => {
  expect(actorName(SYSTEM)).toBe('system');
  expect(actorName(givenOperator({ id: 'system' }))).toBe('unverified:system');
});

test.each<[unknown, string]>([
  ['dana', `operator must name who changes the switch, such as { id: 'dana' }, not "dana".`],
  [null, `operator must name who changes the switch, such as { id: 'dana' }, not null.`],
  [undefined, `operator must name who changes the switch, such as { id: 'dana' }, not undefined.`],
  [{}, 'operator.id must be a string, not undefined.'],
  [{ id: '' }, 'operator.id must not be empty.'],
  [{ id: 7 }, 'operator.id must be a string, not number.'],
  [{ id: '*' }, 'operator.id must not be "*", which would be one id like any other (everything is the target "all").'],
])('an operator without a name is refused: %j', (operator, message) => {
  expect(() => givenOperator(operator as never)).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', message }),
  );
});

test.each([
  [{ name: 'dana' }, 'There is no option "name" of operator in this version. Did you mean "id"?'],
  [{ id: 'dana', role: 'admin' }, 'There is no option "role" of operator in this version. Did you mean "roles"?'],
])('an option that there is not is refused, and the one that was meant is named: %j', (operator, message) => {
  expect(() => givenOperator(operator as never)).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', message }),
  );
});
