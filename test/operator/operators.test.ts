import { expect, test } from 'vitest';
import { actorName, givenOperator, personKey, SYSTEM } from '../../operator/operators.ts';

test('the operator that a program names is unverified, whatever roles it is given', () => {
  expect(givenOperator({ id: 'dana' })).toEqual({ is: 'unverified', id: 'dana', roles: undefined });
  const operator = givenOperator({ id: 'dana', roles: ['admin'] });
  expect(operator).toEqual({ is: 'unverified', id: 'dana', roles: ['admin'] });
  expect(actorName(operator)).toBe('unverified:dana');
});

test('no operator can have the name of the system', () => {
  expect(actorName(SYSTEM)).toBe('system');
  for (const id of ['system', 'System'])
    expect(() => givenOperator({ id })).toThrow('is the name of the switch itself');
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

test.each([
  'unverified:dana',
  'Unverified:dana',
  'budget:day',
  'executor:returns',
  'agent:bot',
  'rule:night',
  'tripwire:x',
])('no operator is called %s, as the log says who somebody is', (id) => {
  expect(() => givenOperator({ id })).toThrow('begins as the log says who somebody is');
});

test.each(['dana ', ' dana', 'da\u200bna', 'dana\u00a0', 'dana\u202e', '\u0301dana', 'dana\u{e0041}'])(
  'no operator has characters that nobody sees: %j',
  (id) => {
    expect(() => givenOperator({ id })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  },
);

test('a name is the same person’s however it is typed', () => {
  const same = [
    'dana',
    'Dana',
    'DANA',
    'dana ',
    'da\u200bna',
    'ｄａｎａ',
    'unverified:dana',
    'unverified:Executor:dana',
    '\u00addana',
  ];
  expect(new Set(same.map(personKey))).toEqual(new Set(['dana']));
  expect(personKey('Straße')).toBe(personKey('STRASSE'));
  expect(personKey('zoe\u0308')).toBe(personKey('ZO\u00cb'));
  expect(new Set(['dana', 'dan', 'dana2', 'zoe', 'zoë', 'token'].map(personKey)).size).toBe(6);
});
