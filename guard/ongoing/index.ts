import { ChildProcess } from 'node:child_process';
import { Stream, Writable } from 'node:stream';
import { types } from 'node:util';
import { Worker } from 'node:worker_threads';
import { ActionResultError } from '../errors.ts';
import { isPlain } from '../plain.ts';
import { holdAsyncIterable } from './async-iterators.ts';
import { holdBareIterator, holdIterable, holdIterator } from './iterators.ts';
import { holdWhole, mayGoOn } from './members.ts';
import { holdNodeStream } from './node-streams.ts';
import type { Hold, HoldInner, OpenPart, Part, Stop } from './part.ts';
import { holdChildProcess, holdWorker } from './processes.ts';
import { holdPromise } from './promises.ts';
import { holdReadableStream, holdReader, holdTransformStream, holdWritableStream, holdWriter } from './web-streams.ts';

export type { OpenPart, Part, Stop, Wait } from './part.ts';
export { mayGoOn } from './members.ts';
export { tryWebStreams } from './web-trial.ts';

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

/** Such as the request of an HTTP answer that has come: what was written goes out, and nothing more can be. */
const hasBeenWritten = (value: { readonly destroyed?: unknown; readonly writableEnded?: unknown }): boolean =>
  value.destroyed === true || value.writableEnded === true;

const isTimer = (value: object): boolean =>
  has(value, 'hasRef') && has(value, 'ref') && /^(Timeout|Immediate)$/.test(value.constructor?.name ?? '');

const TRANSFORMATIONS = [
  TransformStream,
  CompressionStream,
  DecompressionStream,
  TextDecoderStream,
  TextEncoderStream,
] as const;
const READERS = [ReadableStreamDefaultReader, ReadableStreamBYOBReader] as const;

/** The first that fits counts. To add a kind, copy a row. */
const KINDS: readonly Kind[] = [
  kind(types.isPromise, holdPromise),
  kind(
    (value) => has(value, 'then'),
    'holds something that may begin when it is awaited, after the call: await it inside execute',
  ),
  kind((value) => value instanceof ChildProcess, holdChildProcess),
  kind((value) => value instanceof Worker, holdWorker),
  kind((value) => isNodeStream(value) && hasSteps(value), holdNodeStream),
  kind(
    (value) => isNodeStream(value) && hasBeenWritten(value),
    () => undefined,
  ),
  kind(
    (value) => isNodeStream(value) && has(value, 'write'),
    'is written, and its writing cannot be looked at: write it to its end inside execute, or return the stream that is piped into it',
  ),
  kind(isNodeStream, 'is a stream of an old kind that cannot be looked at: wrap it with new Readable().wrap(stream)'),
  kind((value) => value instanceof ReadableStream, holdReadableStream),
  kind((value) => value instanceof WritableStream, holdWritableStream),
  kind((value) => TRANSFORMATIONS.some((type) => value instanceof type), holdTransformStream),
  kind((value) => READERS.some((type) => value instanceof type), holdReader),
  kind((value) => value instanceof WritableStreamDefaultWriter, holdWriter),
  kind(
    (value) => has(value, 'getReader') || has(value, 'getWriter'),
    "is a web stream of another make than Node's, so what it asks of its source cannot be seen: await inside execute what goes through it",
  ),
  kind((value) => has(value, Symbol.asyncIterator), holdAsyncIterable),
  kind((value) => has(value, 'next') && has(value, Symbol.iterator), holdIterator),
  // Of a class that has these without saying more, the first may be anything, and the second is a collection, such as a
  // Map.
  kind((value) => isPlain(value) && has(value, 'next'), holdBareIterator),
  kind((value) => isPlain(value) && !Array.isArray(value) && has(value, Symbol.iterator), holdIterable),
  kind(isTimer, 'is a timer, so the work would begin after the call: await it inside execute (node:timers/promises)'),
];

/** How the parts of one result are held. */
export interface Holding {
  readonly action: string;
  readonly open: OpenPart;
  /** What held parts give in their turn: what they give is as unknown as the result was. */
  readonly inner: HoldInner;
}

/**
 * What the caller gets for a result of `execute`: the result itself; or, where it can still act after the call (an
 * iterator, a stream, a promise that was not awaited, a process), something in its place that looks at the switch
 * before each step. Members of plain objects, arrays, Maps and Sets are held as well, some levels deep. A closure, a
 * getter, what an object of a class holds, a timer inside the app, or a pool of its own cannot be seen.
 * @throws ActionResultError for what could act unseen, when all that can be held is held
 */
export function holdResult(result: unknown, holding: Holding): unknown {
  if (!mayGoOn(result)) return result;
  return holdWhole(result, (value) => holdOne(value, holding), holding.action);
}

/**
 * What a plain object of a kind has: most have none of it, which is soon known where each is named here (a list of them
 * takes fifty times as long).
 */
const isData = (value: object): boolean =>
  isPlain(value) &&
  !('then' in value || 'next' in value || 'pipe' in value || 'getReader' in value || 'getWriter' in value) &&
  !(Symbol.asyncIterator in value || (Symbol.iterator in value && !Array.isArray(value)));

/** Undefined for what can do nothing. */
function holdOne(value: object, { action, open, inner }: Holding): unknown {
  if (isData(value)) return undefined;
  const by = KINDS.find(({ is }) => is(value))?.hold;
  if (typeof by !== 'string') return by?.(value as never, open, action, inner);
  if (isTimer(value)) stopTimer(value);
  throw new ActionResultError(action, by);
}

function stopTimer(timer: object): void {
  clearTimeout(timer as NodeJS.Timeout);
  clearImmediate(timer as NodeJS.Immediate);
}

/**
 * Whether it could act after the call; then it is stopped. For what is handed out whole, by a decision that lets
 * nothing act.
 */
export function stopOngoing(action: string, result: unknown): boolean {
  const stops: Stop[] = [];
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

/** Of what is not handed out no step is taken. */
const NO_PART: Part = {
  pass: () => null,
  look() {},
  passNow() {},
  within: (step) => step(),
  asker: () => (work) => work(),
  isGivers: () => false,
  isHeld: () => true,
  isOver: () => true,
  begin() {},
  rest() {},
  end() {},
  drop() {},
};
