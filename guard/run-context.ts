import { types } from 'node:util';
import { type Attributes, attributesProblem, deepFreeze, invalid, quoteId } from '../flags/index.ts';
import { ActionInputError } from './errors.ts';
import { inputOf, readPlain } from './plain-data.ts';

const isAttributes = (value: unknown): value is Attributes =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The application's own attributes of a run: a frozen copy of what was given, so that nobody changes it afterwards.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function readContext(given: unknown): Attributes | undefined {
  if (given === undefined) return undefined;
  if (types.isProxy(given) || !isAttributes(given))
    throw invalid(
      `context is an object with the application's own attributes, such as { account_id: 'acme' }, not ${quoteId(given)}.`,
    );
  const copy = plainCopy(given);
  const problem = attributesProblem(copy);
  if (problem !== null) throw invalid(`context ${problem}.`);
  return deepFreeze(copy);
}

function plainCopy(given: Attributes): Attributes {
  try {
    const copy = inputOf(readPlain('context', given));
    return isAttributes(copy) ? copy : {};
  } catch (error) {
    if (!(error instanceof ActionInputError)) throw error;
    const [{ path, message } = { path: '', message: 'cannot be read' }] = error.issues;
    throw invalid(
      `context${path === '' ? '' : `.${path}`} ${message}: it takes plain data (JSON values, plain objects and lists).`,
    );
  }
}

/**
 * The attributes of a run inside another one: it has all of its parent's, and adds its own. It cannot change one: a
 * rule about the parent would then miss what the parent has others do.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function joinContexts(parent: Attributes | undefined, own: Attributes | undefined): Attributes | undefined {
  if (parent === undefined || own === undefined) return own ?? parent;
  for (const [name, value] of Object.entries(own)) {
    const before = Object.hasOwn(parent, name) ? parent[name] : undefined;
    if (before === undefined || JSON.stringify(before) === JSON.stringify(value)) continue;
    throw invalid(
      `context.${name} is ${quoteId(before)} in the run around this one, and cannot be ${quoteId(value)} inside it: open the run beside that one, or leave it out.`,
    );
  }
  const joined = { ...parent, ...own };
  const problem = attributesProblem(joined);
  if (problem !== null) throw invalid(`context ${problem}, with those of the run around it.`);
  return deepFreeze(joined);
}
