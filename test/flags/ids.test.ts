import fc from 'fast-check';
import { expect, test } from 'vitest';
import { actionNameProblem, idProblem, textProblem } from '../../flags/index.ts';
import { isPlainName, MAX_ID_LENGTH } from '../../flags/ids.ts';

const names = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 8 }),
  fc.constantFrom('', '*', 'a*', 'a.*', ' ', '~', '\u007f', '\u0000', 'é', '\ud800', 'x'.repeat(512), 'x'.repeat(513)),
);

test('a plain name has nothing to object to, by the rules that other names are judged by', () => {
  fc.assert(
    fc.property(names, (name) => {
      const isSound = textProblem(name) === null && !name.includes('*');
      if (isPlainName(name)) expect(isSound, JSON.stringify(name)).toBe(true);
      else if (isSound) expect(name, JSON.stringify(name)).toMatch(/[^ -~]/);
      expect(idProblem(name) === null, JSON.stringify(name)).toBe(name !== '*' && textProblem(name) === null);
      expect(actionNameProblem(name) === null, JSON.stringify(name)).toBe(isSound);
    }),
    { numRuns: 2000 },
  );
});

test.each([undefined, null, 7, {}, ['a'], new String('a')])('%j is no name', (value) => {
  expect(isPlainName(value)).toBe(false);
  expect(idProblem(value)).toMatch(/^must be a string/);
  expect(actionNameProblem(value)).toMatch(/^must be a string/);
});

test.each([
  ['one character', 'x', true],
  ['the longest', 'x'.repeat(MAX_ID_LENGTH), true],
  ['one too many', 'x'.repeat(MAX_ID_LENGTH + 1), false],
  ['none', '', false],
  ['the first of ASCII that is seen', ' ', true],
  ['the last', '~', true],
  ['the one before *', ')', true],
  ['the one after', '+', true],
  ['*', '*', false],
  ['a control character', 'a\n', false],
])('%s', (_, name, isPlain) => {
  expect(isPlainName(name)).toBe(isPlain);
});
