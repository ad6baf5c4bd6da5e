import { ChildProcess } from 'node:child_process';
import { Stream, Writable } from 'node:stream';
import type { ReadableWritablePair } from 'node:stream/web';
import { types } from 'node:util';
import { Worker } from 'node:worker_threads';
import { ActionResultError } from '../errors.ts';
import { isPlain } from '../plain.ts';
import { holdAsyncIterable } from './async-iterators.ts';
import { has } from './foreign.ts';
import { holdBareIterator, holdIterable, holdIterator } from './iterators.ts';
import { holdWhole, mayGoOn } from './members.ts';
import { holdNodeStream, type NodeStream } from './node-streams.ts';
import type { EndPart, Hold, HoldInner, OpenPart, Part } from './part.ts';
import { holdChildProcess, holdWorker } from './processes.ts';
import { holdPromise } from './promises.ts';
import { holdReadableStream, holdReader, holdTransformStream, holdWritableStream, holdWriter } from './web-streams.ts';

export type { EndPart, OpenPart, Part, Wait } from './part.ts';
export { mayGoOn } from './members.ts';
export { tryWebStreams } from './web-trial.ts';

/**
 * One kind of result that can still act. Null for a value that is not of this kind.
 * @throws ActionResultError for one that cannot be held
 */
type Kind = (value: object, holding: Holding) => Held | null;

/** What the caller gets in place of a value; undefined where that is the value itself. */
interface Held {
  readonly held: unknown;
}

/** How to recognise a kind, and how to hold it. */
const kind =
  <T extends object>(is: (value: object) => value is T, hold: Hold<T>): Kind =>
  (value, { open, action, inner }) =>
    is(value) ? { held: hold(value, open, action, inner) } : null;

/** How to recognise a kind that cannot be held and, in a sentence, why that is impossible. */
const refused =
  (is: (value: object) => boolean, why: string): Kind =>
  (value, { action }) => {
    if (!is(value)) return null;
    stopTimer(value);
    throw new ActionResultError(action, why);
  };

const isStream = (value: object): boolean =>
  value instanceof Stream || (has(value, 'pipe') && has(value, 'on')) || value instanceof Writable;

/** True for streams whose steps are methods that can be replaced, also those of another copy of Node's streams. */
const isNodeStream = (value: object): value is NodeStream =>
  isStream(value) && has(value, 'destroy') && (has(value, '_read') || has(value, '_write'));

/** True for streams that nothing more can be written to, such as the request of an HTTP response that has come. */
const hasBeenWritten = (value: { readonly destroyed?: unknown; readonly writableEnded?: unknown }): boolean =>
  value.destroyed === true || value.writableEnded === true;

const isTimerOf = (name: string, value: object): boolean =>
  has(value, 'hasRef') && has(value, 'ref') && value.constructor?.name === name;
const isTimeout = (value: object): value is NodeJS.Timeout => isTimerOf('Timeout', value);
const isImmediate = (value: object): value is NodeJS.Immediate => isTimerOf('Immediate', value);
const isTimer = (value: object): boolean => isTimeout(value) || isImmediate(value);

const hasNext = (value: object): value is Iterator<unknown> => has(value, 'next');
const isIterable = (value: object): value is Iterable<unknown> => has(value, Symbol.iterator);
const isAsyncIterable = (value: object): value is AsyncIterable<unknown> => has(value, Symbol.asyncIterator);

const TRANSFORMATIONS = [
  TransformStream,
  CompressionStream,
  DecompressionStream,
  TextDecoderStream,
  TextEncoderStream,
] as const;
const isTransformation = (value: object): value is ReadableWritablePair<unknown, unknown> =>
  TRANSFORMATIONS.some((type) => value instanceof type);

/** The first kind that fits counts. To add one, copy a row. */
const KINDS: readonly Kind[] = [
  kind(types.isPromise, holdPromise),
  refused(
    (value) => has(value, 'then'),
    'holds something that may begin when it is awaited, after the call: await it inside execute',
  ),
  kind((value) => value instanceof ChildProcess, holdChildProcess),
  kind((value) => value instanceof Worker, holdWorker),
  kind(isNodeStream, holdNodeStream),
  (value) => (isStream(value) && hasBeenWritten(value) ? { held: undefined } : null),
  refused(
    (value) => isStream(value) && has(value, 'write'),
    'is a writable stream whose writes cannot be checked: write it to its end inside execute, or return the stream that is piped into it',
  ),
  refused(
    isStream,
    'is a stream of an old kind whose reads cannot be checked: wrap it with new Readable().wrap(stream)',
  ),
  kind((value) => value instanceof ReadableStream, holdReadableStream),
  kind((value) => value instanceof WritableStream, holdWritableStream),
  kind(isTransformation, holdTransformStream),
  kind((value) => value instanceof ReadableStreamDefaultReader, holdReader),
  kind((value) => value instanceof ReadableStreamBYOBReader, holdReader),
  kind((value) => value instanceof WritableStreamDefaultWriter, holdWriter),
  refused(
    (value) => has(value, 'getReader') || has(value, 'getWriter'),
    "is a web stream that is not Node's own, so its reads and writes cannot be checked: read or write it to its end inside execute",
  ),
  kind(isAsyncIterable, holdAsyncIterable),
  kind((value) => hasNext(value) && isIterable(value), holdIterator),
  // Plain objects only: in an instance of a class, `next` may mean anything, and an iterable is a collection, such as a
  // Map.
  kind((value): value is Iterator<unknown> => isPlain(value) && hasNext(value), holdBareIterator),
  kind(
    (value): value is Iterable<unknown> => isPlain(value) && !Array.isArray(value) && isIterable(value),
    holdIterable,
  ),
  refused(
    isTimer,
    'is a timer, so the work would begin after the call: await it inside execute (node:timers/promises)',
  ),
];

/** What holding the parts of one result needs. */
export interface Holding {
  readonly action: string;
  readonly open: OpenPart;
  /** Holds what a held part returns or yields, which may again be anything. */
  readonly inner: HoldInner;
}

/**
 * What the caller gets for a result of `execute`: the result itself or, where that can still act after the call (an
 * iterator, a stream, a promise that was not awaited, a process), something in its place that checks the switch before
 * each step. Members of plain objects, arrays, Maps and Sets are held as well, to a bounded depth. Not seen: closures,
 * getters, the members of other classes, and timers or pools inside the application.
 * @throws ActionResultError for a part that could act unchecked, after all others have been held
 */
export function holdResult(result: unknown, holding: Holding): unknown {
  if (!mayGoOn(result)) return result;
  return holdWhole(result, (value) => holdOne(value, holding), holding.action);
}

/**
 * True for plain objects without any member that a kind has, which is most of them. Each member is named here: a loop
 * over a list takes fifty times as long.
 */
const isData = (value: object): boolean =>
  isPlain(value) &&
  !('then' in value || 'next' in value || 'pipe' in value || 'getReader' in value || 'getWriter' in value) &&
  !(Symbol.asyncIterator in value || (Symbol.iterator in value && !Array.isArray(value)));

/** Returns undefined for a value that cannot act. */
function holdOne(value: object, holding: Holding): unknown {
  if (isData(value)) return undefined;
  for (const held of KINDS) {
    const found = held(value, holding);
    if (found) return found.held;
  }
  return undefined;
}

function stopTimer(timer: object): void {
  if (isTimeout(timer)) clearTimeout(timer);
  else if (isImmediate(timer)) clearImmediate(timer);
}

/**
 * Stops everything in a value that could act after the call; true where there was anything. For drafts, which must not
 * act at all.
 */
export function stopOngoing(action: string, result: unknown): boolean {
  const stops: EndPart[] = [];
  const open: OpenPart = (stop) => {
    stops.push(stop);
    return NO_PART;
  };
  let refused = false;
  try {
    holdResult(result, { action, open, inner: (value) => value });
  } catch {
    refused = true;
  }
  for (const stop of stops) stop(new ActionResultError(action, 'could act after the call'))?.();
  return refused || stops.length > 0;
}

/** The part of something that is not handed out: no step of it is taken. */
const NO_PART: Part = {
  pass: () => null,
  look() {},
  passNow() {},
  within: (step) => step(),
  asker: () => (work) => work(),
  isOrigins: () => false,
  isHeld: () => true,
  isOver: () => true,
  begin() {},
  rest() {},
  end() {},
  drop() {},
};
