import { invalid, messageOf, quoteId } from '../flags/index.ts';
import { isJsonObject } from '../flags/json-object.ts';

/**
 * A copy of a value as JSON has it, so that later changes by the caller do not reach the log. An undefined member is
 * left out, as in JSON. Values that JSON would change (a function, NaN, -0) are refused, and so is a member
 * `__proto__`, which readers may leave out: a rule would then mean something else.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function jsonValue(what: string, given: unknown): unknown {
  let text: string | undefined;
  try {
    text = JSON.stringify(given, (key, value: unknown) => {
      if (key === '__proto__') throw invalid('it has a member "__proto__"');
      const problem = NOT_JSON[typeof value]?.(value);
      if (problem === undefined) return value;
      throw invalid(`it has ${problem}${key === '' ? '' : ` in ${quoteId(key)}`}`);
    });
  } catch (error) {
    throw invalid(`${what} is not JSON: ${messageOf(error)}.`);
  }
  return text === undefined ? undefined : JSON.parse(text);
}

const NOT_JSON: Readonly<Record<string, (value: unknown) => string | undefined>> = {
  function: () => 'a function',
  symbol: () => 'a symbol',
  bigint: (value) => `the bigint ${String(value)}`,
  number: (value) => (Number.isFinite(value) && !Object.is(value, -0) ? undefined : `the number ${numberWord(value)}`),
};

const numberWord = (value: unknown): string => (Object.is(value, -0) ? '-0' : String(value));

/** A copy of a JSON object. @throws KillSwitchError INVALID_ARGUMENT */
export function jsonObject(what: string, form: string, given: unknown): Readonly<Record<string, unknown>> {
  if (!isJsonObject(given)) throw invalid(`${what} is ${form}, not ${quoteId(given)}.`);
  const value = jsonValue(what, given);
  if (!isJsonObject(value)) throw invalid(`${what} is ${form}, not ${quoteId(value)}.`);
  return value;
}
