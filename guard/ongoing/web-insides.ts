import { ActionResultError } from '../errors.ts';
import { has, isObject } from './foreign.ts';

/** Node's internal state of a readable stream. Without the two algorithms the stream is over. */
export interface ReadInside {
  /** Returns a promise or, from Node 24 on, anything; may throw. */
  pullAlgorithm?: ((controller: unknown) => unknown) | undefined;
  cancelAlgorithm?: ((reason: unknown) => Promise<void>) | undefined;
  pulling: boolean;
  readonly stream: object;
}

/** Node's internal state of a writable stream. Without the algorithms the stream is over, or closing. */
export interface WriteInside {
  writeAlgorithm?: ((piece: unknown, controller: unknown) => unknown) | undefined;
  closeAlgorithm?: (() => Promise<void>) | undefined;
  abortAlgorithm?: ((reason: unknown) => Promise<void>) | undefined;
  readonly stream: object;
}

interface Request {
  readonly promise?: unknown;
}

/** Node's internal state of the stream object itself. */
interface StreamInside<Controller> {
  readonly controller: Controller;
  readonly state: string;
}

export interface WritableInside extends StreamInside<{ readonly signal: AbortSignal }> {
  readonly writer?: WritableStreamDefaultWriter | undefined;
  readonly inFlightWriteRequest: Request;
  readonly inFlightCloseRequest: Request;
}

export type ReadableInside = StreamInside<ReadableStreamDefaultController<unknown>>;

/** The symbol under which Node keeps that state; undefined where there is none. */
const INSIDE = Object.getOwnPropertySymbols(new ReadableStream()).find(({ description }) => description === 'kState');

/**
 * Node's internal state of a web stream; undefined where Node keeps it elsewhere. No public API shows when a stream
 * pulls from its source, which it does also unread: so the pull itself is replaced.
 */
function insideOf(thing: unknown): Inside | undefined {
  const inside = INSIDE && isObject(thing) && thing[INSIDE];
  return isObject(inside) ? inside : undefined;
}

/** What Node keeps there, before we have looked at it. */
type Inside = Readonly<Record<PropertyKey, unknown>>;

export function refuse(action: string): never {
  throw new ActionResultError(
    action,
    `is a stream whose steps cannot be checked in this runtime (Node ${process.version}): read or write it to its end inside execute`,
  );
}

interface Opened<Outer, Own> {
  readonly outer: Outer;
  readonly own: Own;
}

const READS = ['pullAlgorithm', 'cancelAlgorithm'];
const WRITES = ['writeAlgorithm', 'closeAlgorithm', 'abortAlgorithm'];

/** @throws ActionResultError for a stream whose internal state is not as we know it */
export function openReadable(stream: object, action: string): Opened<ReadableInside, ReadInside> {
  const [outer, own] = bothOf(stream);
  if (!isReadable(outer) || !isReading(own, outer.state === 'readable')) return refuse(action);
  return { outer, own };
}

const isReadable = (outer: object | undefined): outer is ReadableInside =>
  isStream(outer) && has(outer.controller, 'error');

const isReading = (own: object | undefined, isOpen: boolean): own is ReadInside =>
  isObject(own) && typeof own['pulling'] === 'boolean' && areKnown(own, READS, isOpen);

/** The same for a writable stream. */
export function openWritable(stream: object, action: string): Opened<WritableInside, WriteInside> {
  const [outer, own] = bothOf(stream);
  if (!isWritable(outer)) return refuse(action);
  const isOpen = outer.state === 'writable' && outer.inFlightCloseRequest.promise === undefined;
  return isWriting(own, isOpen) ? { outer, own } : refuse(action);
}

const isWritable = (outer: object | undefined): outer is WritableInside =>
  isStream(outer) &&
  'signal' in outer.controller &&
  'writer' in outer &&
  isObject(outer['inFlightWriteRequest']) &&
  isObject(outer['inFlightCloseRequest']);

const isWriting = (own: object | undefined, isOpen: boolean): own is WriteInside =>
  own !== undefined && areKnown(own, WRITES, isOpen);

const isStream = (outer: object | undefined): outer is Inside & StreamInside<object> =>
  isObject(outer) && typeof outer['state'] === 'string' && isObject(outer['controller']);

function bothOf(stream: object): Array<Inside | undefined> {
  const outer = insideOf(stream);
  const own = typeof outer?.['state'] === 'string' ? insideOf(outer['controller']) : undefined;
  // Compared by their state: in Node 20 the application's stream and Node's own are two objects with the same state.
  return [outer, insideOf(own?.['stream']) === outer ? own : undefined];
}

/** True when all of these are functions that can be replaced; or none is there, and the stream need not be open. */
function areKnown(own: object, names: readonly string[], isOpen: boolean): boolean {
  const found = names.map((name) => Object.getOwnPropertyDescriptor(own, name));
  if (!found.every((member) => member?.writable && member.configurable)) return false;
  return (
    found.every((member) => typeof member?.value === 'function') ||
    (!isOpen && found.every((member) => member?.value === undefined))
  );
}

/** The stream of a reader or a writer; undefined once its lock was released. @throws ActionResultError */
export function streamOf(holder: object, action: string): object | undefined {
  const inside = insideOf(holder);
  if (!inside || !('stream' in inside)) return refuse(action);
  const { stream } = inside;
  return isObject(stream) ? stream : undefined;
}

/** Resolves when Node next sets this member. */
export function untilSet<Inside extends object>(inside: Inside, key: keyof Inside): Promise<void> {
  return new Promise((resolve) => {
    const value = inside[key];
    const set = (next: unknown): void => {
      put(inside, key, next);
      resolve();
    };
    Object.defineProperty(inside, key, { get: () => value, set, enumerable: true, configurable: true });
  });
}

/** Resolves when Node next reads this member. */
export function untilRead<Inside extends object>(inside: Inside, key: keyof Inside): Promise<void> {
  return new Promise((resolve) => {
    const value = inside[key];
    const get = (): unknown => {
      put(inside, key, value);
      resolve();
      return value;
    };
    Object.defineProperty(inside, key, { get, enumerable: true, configurable: true });
  });
}

const put = (inside: object, key: PropertyKey, value: unknown): void =>
  void Object.defineProperty(inside, key, { value, writable: true, enumerable: true, configurable: true });
