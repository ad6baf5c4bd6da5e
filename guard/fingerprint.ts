import { hash } from 'node:crypto';
import { types } from 'node:util';
import { isPlainPrototype, MAX_DEPTH } from './plain-data.ts';

/** The longest text that stands for an input as it is, in characters; of a longer one its hash does. */
const MOST_TEXT = 200;

/**
 * A text that two inputs share where they say the same, in any order of their members: plain data, Dates, Maps, Sets,
 * bytes and URLs. Null for one that cannot be compared, as one with a function, a getter or an object of a class in it.
 * Runs no code of the application, and is quick: it is made for every call in a run.
 */
export function fingerprintOf(input: unknown): string | null {
  try {
    const text = textOf(input, 0);
    return text !== null && text.length > MOST_TEXT ? hash('sha256', text, 'hex') : text;
  } catch {
    return null;
  }
}

/** A text for what can be compared, its members sorted; null for anything else. */
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
      return Array.isArray(value) ? listOf(value, depth) : (membersOf(value, depth) ?? otherOf(value, depth));
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

/** What the language itself has beside plain data. */
function otherOf(value: object, depth: number): string | null {
  if (types.isDate(value)) return `Date ${Date.prototype.getTime.call(value)}`;
  if (types.isMap(value)) return named('Map', listOf([...Map.prototype.entries.call(value)], depth));
  if (types.isSet(value)) return named('Set', listOf([...Set.prototype.values.call(value)], depth));
  if (types.isUint8Array(value)) return `Bytes ${hash('sha256', value, 'hex')}`;
  return value instanceof URL && Object.getPrototypeOf(value) === URL.prototype ? `URL ${value.href}` : null;
}

const named = (name: string, text: string | null): string | null => (text === null ? null : `${name} ${text}`);
