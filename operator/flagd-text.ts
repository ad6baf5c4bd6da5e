import { type DefinitionProblem, messageOf } from '../flags/index.ts';
import { isJsonObject } from '../flags/json-object.ts';

/**
 * A problem of a definition. `error`: flagd would refuse it, or it does not stop anything. `warning`: it stops less
 * surely than it could.
 */
export interface FlagdProblem extends DefinitionProblem {
  readonly severity: 'error' | 'warning';
}

/** A JSON object whose members are not checked. */
export type Json = Readonly<Record<string, unknown>>;

/** A definition as it was read. */
export interface ReadDefinition {
  /** With its flags by their keys; null where it cannot be read. */
  readonly definition: Json | null;
  readonly problems: readonly FlagdProblem[];
}

/** Reads the text of a flagd definition, as flagd does. Never throws. */
export function readDefinition(text: string): ReadDefinition {
  const parsed = parse(text);
  if (typeof parsed === 'string') {
    return { definition: null, problems: [{ path: '', message: parsed, severity: 'error' }] };
  }
  return withNamedFlags(parsed);
}

/** The definition, or a sentence that says why it cannot be read. */
function parse(text: string): Json | string {
  if (text.trim() === '') return 'The definition is empty: flagd would refuse it and go on with the one before.';
  if (text.startsWith('\uFEFF'))
    return 'The definition begins with a byte order mark, which flagd cannot read: save it as plain UTF-8.';
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    return `The definition is not JSON: ${messageOf(error)}. flagd would refuse it, and go on with the one before, unless the file's name ends in .yaml or .yml: YAML can only be checked as JSON.`;
  }
  return isJsonObject(parsed) ? parsed : 'The definition must be a JSON object with "flags".';
}

/** flagd itself also reads `flags` as a list of flags with a `key` each. */
function withNamedFlags(definition: Json): ReadDefinition {
  const { flags } = definition;
  if (!Array.isArray(flags)) return { definition, problems: [] };
  const message = 'is a list: flagd reads it, but in-process clients do not. Use an object with the keys as names.';
  const named = flags.map((flag, index) => {
    const { key } = asObject(flag);
    return [typeof key === 'string' ? key : String(index), flag];
  });
  return {
    definition: { ...definition, flags: Object.fromEntries(named) },
    problems: [{ path: '/flags', message, severity: 'warning' }],
  };
}

/** The JSON pointer of a flag. */
export const pointer = (key: string): string => `/flags/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;

/** A member that should be an object; an empty one where it is none. */
export const asObject = (value: unknown): Json => (isJsonObject(value) ? value : {});
