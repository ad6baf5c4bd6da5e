import { ChildProcess } from 'node:child_process';
import { Stream, Writable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import { ActionResultError } from '../errors.ts';
import { holdAsyncIterable, holdAsyncIterator, holdIterator, holdPromise } from './iterators.ts';
import { holdNodeStream } from './node-streams.ts';
import type { Hold, OpenPart } from './part.ts';
import { holdChildProcess, holdWorker } from './processes.ts';
import { holdReadableStream, holdTransformStream, holdWritableStream } from './web-streams.ts';

export type { OpenPart, Part } from './part.ts';

/** One kind of result that can still act: how it is told, and how it is held, or in a sentence why it cannot be. */
interface Kind<T = never> {
  readonly is: (value: object) => boolean;
  readonly hold: Hold<T> | string;
}

const kind = <T>(is: (value: object) => boolean, hold: Hold<T> | string): Kind => ({ is, hold }) as Kind;

/** A getter that throws is no method. */
const has = (value: object, key: PropertyKey): boolean => {
  try {
    return typeof (value as Record<PropertyKey, unknown>)[key] === 'function';
  } catch {
    return false;
  }
};

const isNodeStream = (value: object): boolean =>
  value instanceof Stream || (has(value, 'pipe') && has(value, 'on')) || value instanceof Writable;

/** Whose steps are methods that can be looked at; also one of another copy of Node's streams. */
const hasSteps = (value: object): boolean => has(value, 'destroy') && (has(value, '_read') || has(value, '_write'));

const isTimer = (value: object): boolean =>
  has(value, 'hasRef') && has(value, 'ref') && /^(Timeout|Immediate)$/.test(value.constructor?.name ?? '');

/** The first that fits counts. To add a kind, copy a row. */
const KINDS: readonly Kind[] = [
  kind((value) => value instanceof Promise, holdPromise),
  kind(
    (value) => has(value, 'then'),
    'holds something that may begin when it is awaited, after the call: await it inside execute',
  ),
  kind((value) => value instanceof ChildProcess, holdChildProcess),
  kind((value) => value instanceof Worker, holdWorker),
  kind((value) => isNodeStream(value) && hasSteps(value), holdNodeStream),
  kind(isNodeStream, 'is a stream of an old kind that cannot be looked at: wrap it with new Readable().wrap(stream)'),
  kind((value) => value instanceof ReadableStream && !value.locked, holdReadableStream),
  kind((value) => value instanceof WritableStream && !value.locked, holdWritableStream),
  kind((value) => value instanceof TransformStream, holdTransformStream),
  kind(
    (value) => value instanceof ReadableStream || value instanceof WritableStream,
    'is a stream that somebody else has locked, so it cannot be looked at: return what they made of it',
  ),
  kind((value) => has(value, 'next') && has(value, Symbol.asyncIterator), holdAsyncIterator),
  kind((value) => has(value, 'next') && has(value, Symbol.iterator), holdIterator),
  kind((value) => has(value, Symbol.asyncIterator), holdAsyncIterable),
  kind(isTimer, 'is a timer, so the work would begin after the call: await it inside execute (node:timers/promises)'),
];

const PLAIN: ReadonlySet<object | null> = new Set([Object.prototype, Array.prototype, null]);

/**
 * What the caller gets for a result of `execute`: the result itself; or, where it can still act after the call (an iterator, a stream, a promise that
 * was not awaited, a process), something in its place that looks at the switch before each step. Members of a plain object or array are held as well, one level deep.
 * A closure, a timer inside the app, or a pool of its own cannot be seen.
 * @throws ActionResultError for what could act unseen
 */
export function holdResult(action: string, result: object, open: OpenPart): unknown {
  const found = kindOf(result);
  if (found) return hold(action, result, found, open);
  return PLAIN.has(Object.getPrototypeOf(result)) ? holdMembers(action, result, open) : result;
}

/** Whether a result is worth looking at: a number or a text can do nothing. */
export const mayGoOn = (value: unknown): value is object => typeof value === 'object' && value !== null;

const kindOf = (value: object): Kind | undefined => KINDS.find(({ is }) => is(value));

function hold(action: string, value: object, { hold: by }: Kind, open: OpenPart): unknown {
  if (typeof by !== 'string') return by(value as never, open, action);
  if (isTimer(value)) stopTimer(value);
  throw new ActionResultError(action, by);
}

function stopTimer(timer: object): void {
  clearTimeout(timer as NodeJS.Timeout);
  clearImmediate(timer as NodeJS.Immediate);
}

/** The same object where nothing has to be put in a member's place. One that is refused is thrown last: until then all the others are opened, or stopped. */
function holdMembers(action: string, result: object, open: OpenPart): unknown {
  let copy: object | undefined;
  const refused: unknown[] = [];
  for (const key in result) {
    const member = Object.getOwnPropertyDescriptor(result, key)?.value as unknown; // a getter is not run
    if (!mayGoOn(member) || PLAIN.has(Object.getPrototypeOf(member))) continue;
    const found = kindOf(member);
    if (!found) continue;
    try {
      const held = hold(action, member, found, open);
      if (held === member) continue;
      copy ??= copyOf(result); // getters are not run either
      Object.defineProperty(copy, key, { value: held, enumerable: true, configurable: true, writable: true });
    } catch (error) {
      refused.push(error);
    }
  }
  if (refused.length > 0) throw refused[0];
  return copy ?? result;
}

const copyOf = (result: object): object =>
  Object.defineProperties(
    Array.isArray(result) ? [] : Object.create(Object.getPrototypeOf(result) as object | null),
    Object.getOwnPropertyDescriptors(result),
  );
