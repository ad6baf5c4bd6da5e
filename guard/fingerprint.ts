import { hash } from 'node:crypto';
import { serialize } from 'node:v8';
import { ownCopy } from './own-copy.ts';
import { type PlainInput, readPlain } from './plain-data.ts';

/** The longest input that is compared with others, in bytes where it is no plain data. */
const MOST_BYTES = 1_048_576;

/**
 * A text that two inputs share where they say the same; null for one that cannot be compared, as one with a function in
 * it. Plain data is the same in any order of its members.
 */
export function fingerprintOf(input: unknown, plain: PlainInput | undefined): string | null {
  if (plain) return plain.hash;
  if (input === undefined || input === null || typeof input === 'string' || typeof input === 'number')
    return typeof input === 'string' && input.length > 64 ? hash('sha256', input, 'hex') : `${typeof input} ${input}`;
  try {
    return readPlain('', input).hash;
  } catch {
    return ofOther(input);
  }
}

/** What is no JSON: Dates, Maps, objects of classes by what they hold. */
function ofOther(input: unknown): string | null {
  try {
    const bytes = serialize(ownCopy('', input)); // of which no getter is code of the application's
    return bytes.length > MOST_BYTES ? null : hash('sha256', bytes, 'hex');
  } catch {
    return null;
  }
}
