import { hash } from 'node:crypto';
import { types } from 'node:util';
import { serialize } from 'node:v8';
import { ownCopy } from './own-copy.ts';
import { isPlainPrototype, MAX_DEPTH } from './plain-data.ts';

/** The longest text that stands for an input as it is, in characters; of a longer one its hash does. */
const MOST_TEXT = 200;

/**
 * A text that two inputs share where they say the same; null for one that cannot be compared, as one with a function or
 * a getter in it. Plain data is the same in any order of its members. Runs no code of the application, and is quick:
 * it is made for every call in a run.
 */
export function fingerprintOf(input: unknown): string | null {
  try {
    const text = textOf(input, 0) ?? serialize(ownCopy('', input)).toString('latin1');
    return text.length > MOST_TEXT ? hash('sha256', text, 'hex') : text;
  } catch {
    return null;
  }
}

/** A text for plain data, its members sorted; null for anything else, which a slower way may compare. */
function textOf(value: unknown, depth: number): string | null {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
    case 'boolean':
    case 'undefined':
      return `${value}`;
    case 'bigint':
      return `${value}n`;
    case 'object':
      if (value === null) return 'null';
      if (depth === MAX_DEPTH || types.isProxy(value)) return null;
      return Array.isArray(value) ? listOf(value, depth) : membersOf(value, depth);
    default:
      return null;
  }
}

function listOf(list: readonly unknown[], depth: number): string | null {
  let text = '[';
  for (let index = 0; index < list.length; index += 1) {
    const part = partOf(list, `${index}`, depth);
    if (part === null) return null;
    text += `${part},`;
  }
  return `${text}]`;
}

function membersOf(object: object, depth: number): string | null {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null && !isPlainPrototype(object, 'isPrototypeOf')) return null;
  let text = '{';
  for (const key of Object.keys(object).sort()) {
    const part = partOf(object, key, depth);
    if (part === null) return null;
    if (part !== 'undefined') text += `${JSON.stringify(key)}:${part},`;
  }
  return `${text}}`;
}

/** A member, which is read and not run. */
function partOf(holder: object, key: string, depth: number): string | null {
  const property = Object.getOwnPropertyDescriptor(holder, key);
  return property && 'value' in property ? textOf(property.value, depth + 1) : null;
}
