import { expect, test } from 'vitest';
import { parseExactJson } from '../../../operator/cli/exact-json.ts';

test.each([
  'null',
  '-1.50e3',
  '{"a":{"a":1,"b":[{"a":1},{"a":"\\"a\\":1,{["}]},"b":0.1,"c":1e21,"d":9007199254740991,"e":0,"f":"é\\u00e9"}',
  ' [ 1 , [ ] , { } , true , "x" ] ',
])('%s is taken as it is', (text) => {
  expect(parseExactJson(text)).toEqual(JSON.parse(text));
});

test.each([
  ['{"id":9007199254740993}', 'it has the number 9007199254740993, which would become 9007199254740992: '],
  ['{"id":1.00000000000000001}', 'it has the number 1.00000000000000001, which would become 1: '],
  ['[1e400]', 'it has the number 1e400, which would become Infinity: '],
  ['[1e-400]', 'it has the number 1e-400, which would become 0: '],
  ['{"usd":-0}', 'it has the number -0, which would become 0: give 0'],
  ['[-0.0e5]', 'it has the number -0.0e5, which would become 0: give 0'],
  ['{"usd":1,"usd":199}', 'it has the member "usd" twice'],
  ['{"a":[{"x":1,"\\u0078":2}]}', 'it has the member "x" twice'],
  ['{"a":{"a":1},"b":[],"a":2}', 'it has the member "a" twice'],
  [`["${'x'.repeat(100_000)}",{"b":1,"b":1}]`, 'it has the member "b" twice'],
])('%.60s is refused, with what reading it would change', (text, message) => {
  expect(() => parseExactJson(text)).toThrow(message);
});

test.each([
  ['{"usd":NaN}', /^it is no JSON, with an unexpected "N"/],
  ['{"password":"hunter22', /^it is no JSON/],
  ['{"a":1,\n "b" 2}', /^it is no JSON, at line 2, column 6$/],
  ['', /^it is no JSON: it ends too early$/],
])('%j is no JSON, which is said without its text', (text, message) => {
  let said = '';
  try {
    parseExactJson(text);
  } catch (error) {
    said = String((error as Error).message);
  }
  expect(said).toMatch(message);
  expect(said).not.toMatch(/hunter22|redacted/);
});
