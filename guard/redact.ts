import { redactText } from '../flags/index.ts';
import { REDACTED } from '../flags/secret-keys.ts';
import { LOOK_BEHIND } from '../flags/secret-texts.ts';
import { contentsOf, nameOf, standIn, unboxed } from './app-objects.ts';
import { isSecretMember, isValueOf, namesIn } from './secret-beside.ts';

/**
 * The bounds of one walk through an input. They are checked on the way, so that nothing is built only to be thrown
 * away.
 */
interface Limits {
  readonly depth: number;
  /** Elements or members of one object. */
  readonly items: number;
  readonly nodes: number;
  /** Characters that are kept of the name of a member. */
  readonly key: number;
  /** Characters that are kept of one text. */
  readonly text: number;
  /** Characters that are kept in all. */
  readonly length: number;
  /** Characters behind a cut that are searched for the rest of a secret. */
  readonly behind: number;
  /** Characters that are searched in all. */
  readonly lookedAt: number;
}

const MAX_KEY = 200;

/** The longest recorded input, in characters of JSON. */
export const MAX_INPUT_LENGTH = 8192;

const RECORD: Limits = {
  depth: 12,
  items: 100,
  nodes: 5000,
  key: MAX_KEY,
  text: 2000,
  length: MAX_INPUT_LENGTH,
  behind: LOOK_BEHIND,
  lookedAt: 200_000,
};

const NO = Number.POSITIVE_INFINITY;
/** For values that are bounded already: everything is searched. */
const WHOLE: Limits = { depth: 100, items: NO, nodes: NO, key: NO, text: NO, length: NO, behind: 0, lookedAt: NO };

/** The path of a secret, and which kind of secret it looks like. */
export interface FoundSecret {
  readonly path: string;
  readonly kind: string;
}

/** The input does not fit into a record. */
class TooMuch extends Error {}

/**
 * A copy for the record: without secrets, by key (flags/secret-keys.ts) and by value (flags/secret-texts.ts); without
 * functions and cycles; bounded in depth, width, length and work. It never throws, and runs no code of the application:
 * getters and proxies are named, not read.
 */
export function redact(value: unknown): unknown {
  try {
    const redacted = new Copy(RECORD).of(value, '', 0) ?? null;
    const length = JSON.stringify(redacted).length;
    return length > MAX_INPUT_LENGTH ? `[too long to record: ${length} characters]` : redacted;
  } catch (error) {
    return error instanceof TooMuch ? `[too long to record: ${error.message}]` : '[unreadable]';
  }
}

/**
 * A copy of plain data for a person to judge: without secrets, and otherwise whole. Its bounds are those of plain data.
 */
export const redactWhole = (value: unknown): unknown => new Copy(WHOLE).of(value, '', 0) ?? null;

/**
 * The first secret in plain data, or null; undefined holds none. A part that is nested too deeply to be searched counts
 * as a secret.
 */
export function findSecret(value: unknown): FoundSecret | null {
  const found: FoundSecret[] = [];
  new Copy(WHOLE, (secret) => found.push(secret)).of(value, '', 0);
  return found[0] ?? null;
}

/** One walk through one input; counts what it has used of its limits. */
class Copy {
  readonly #limits: Limits;
  readonly #found: ((secret: FoundSecret) => void) | undefined;
  readonly #paths = new Map<object, string>();
  readonly #above = new Set<object>();
  #nodes = 0;
  #length = 0;
  #lookedAt = 0;

  constructor(limits: Limits, found?: (secret: FoundSecret) => void) {
    this.#limits = limits;
    this.#found = found;
  }

  of(value: unknown, path: string, depth: number): unknown {
    this.#nodes += 1;
    if (this.#nodes > this.#limits.nodes) throw new TooMuch(`more than ${this.#limits.nodes} values`);
    switch (typeof value) {
      case 'string':
        return this.#text(value, path, depth);
      case 'number':
        return Number.isFinite(value) ? this.#number(value, path) : String(value);
      case 'bigint':
        return this.#clean(value.toString(), path);
      case 'boolean':
        return value;
      case 'object':
        return value === null ? null : this.#object(value, path, depth);
      default:
        return undefined;
    }
  }

  #hide(path: string, kind: string): typeof REDACTED {
    this.#found?.({ path, kind });
    return REDACTED;
  }

  #clean(text: string, path: string): string {
    return redactText(text, (kind) => this.#hide(path, kind));
  }

  /** A number can be a card number too, from 13 digits on. */
  #number(value: number, path: string): unknown {
    if (Math.abs(value) < 1e12) return value;
    return Number.isInteger(value) && this.#clean(String(value), path) !== String(value) ? REDACTED : value;
  }

  /** Redacted first, then cut. */
  #text(text: string, path: string, depth: number): string {
    const { text: most, behind, lookedAt, length } = this.#limits;
    const looked = text.slice(0, most + behind);
    this.#lookedAt += looked.length;
    if (this.#lookedAt > lookedAt) throw new TooMuch(`more than ${lookedAt} characters to look at`);
    const clean = (looked.length === text.length && this.#json(text, path, depth)) || this.#clean(looked, path);
    const shown = clean.length > most || looked.length < text.length ? `${clean.slice(0, most)}…` : clean;
    this.#length += shown.length;
    if (this.#length > length) throw new TooMuch(`more than ${length} characters`);
    return shown.toWellFormed();
  }

  /** A text of JSON without its secrets; null when the text is no JSON or has none. */
  #json(text: string, path: string, depth: number): string | null {
    const bare = text.replace(/^\ufeff/, '');
    if (!/^\s*[{["]/.test(bare)) return null;
    let parsed: unknown;
    try {
      parsed = JSON.parse(bare);
    } catch {
      return null;
    }
    const clean = JSON.stringify(this.of(parsed, path, depth + 1));
    return clean === JSON.stringify(parsed) ? null : clean;
  }

  #object(value: object, path: string, depth: number): unknown {
    const text = standIn(value);
    if (text !== null) return text;
    const inner = unboxed(value);
    if (inner !== null) return this.of(inner, path, depth);
    if (this.#above.has(value)) return '[cycle]';
    const before = this.#paths.get(value);
    // copying shared objects each time could take exponential time
    if (before !== undefined) return `[same as ${before}]`;
    if (depth >= this.#limits.depth) return this.#found ? this.#hide(path, TOO_DEEP) : '[too deep]';
    this.#paths.set(value, path || 'all of it');
    this.#above.add(value);
    const copy = this.#contents(value, path, depth + 1);
    this.#above.delete(value);
    return copy;
  }

  #contents(value: object, path: string, depth: number): unknown {
    const contents = contentsOf(value);
    switch (contents.is) {
      case 'text':
        return this.of(contents.text, path, depth);
      case 'list':
        return this.#list(contents.items, contents.size, path, depth);
      default:
        return this.#members(contents.members, contents.size, path, depth);
    }
  }

  #list(items: Iterable<unknown>, size: number, path: string, depth: number): unknown[] {
    const copies: unknown[] = [];
    const command: string[] = [];
    let before: unknown;
    for (const item of items) {
      if (copies.length >= this.#limits.items) {
        copies.push(`[… ${size - copies.length} more]`);
        break;
      }
      const at = `${path}[${copies.length}]`;
      copies.push(isValueOf(before, item, command) ? this.#hide(at, NAMED) : (this.of(item, at, depth) ?? null));
      if (command.length < 2 && typeof item === 'string') command.push(item.slice(0, 64));
      before = item;
    }
    return copies;
  }

  #members(members: Iterable<readonly [unknown, unknown]>, size: number, path: string, depth: number): unknown {
    const copies: [string, unknown][] = [];
    let names: readonly string[] | undefined;
    const first: [unknown, unknown][] = [];
    for (const member of members) {
      if (first.length >= this.#limits.items) {
        copies.push(['…', `${Math.max(1, size - first.length)} more`]);
        break;
      }
      first.push([...member]);
    }
    for (const [key, value] of first) {
      const name = nameOf(key, copies.length);
      const clean = this.#clean(name.slice(0, this.#limits.key), path);
      const at = path === '' ? clean : `${path}.${clean}`.slice(0, MAX_KEY);
      names ??= namesIn(first);
      const copy = isSecretMember(name, value, names) ? this.#hide(at, NAMED) : this.of(value, at, depth);
      this.#length += clean.length;
      if (copy !== undefined) copies.push([clean, copy]);
    }
    return Object.fromEntries(copies);
  }
}

const NAMED = 'a secret by its name';
const TOO_DEEP = 'what is nested too deeply to be searched';
