import { ActionResultError } from '../errors.ts';

/** What Node keeps of a stream that is read. Without the two algorithms it is over. */
export interface ReadInside {
  /** Gives a promise or, from Node 24 on, anything; it may throw, too. */
  pullAlgorithm?: ((controller: unknown) => unknown) | undefined;
  cancelAlgorithm?: ((reason: unknown) => Promise<void>) | undefined;
  pulling: boolean;
  readonly stream: object;
}

/** What Node keeps of a stream that is written. Without the algorithms it is over, or closing. */
export interface WriteInside {
  writeAlgorithm?: ((piece: unknown, controller: unknown) => unknown) | undefined;
  closeAlgorithm?: (() => Promise<void>) | undefined;
  abortAlgorithm?: ((reason: unknown) => Promise<void>) | undefined;
  readonly stream: object;
}

interface Request {
  readonly promise?: unknown;
}

/** What Node keeps of a stream itself. */
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

/** The symbol of Node's own under which it keeps them; undefined where there is none. */
const INSIDE = Object.getOwnPropertySymbols(new ReadableStream()).find(({ description }) => description === 'kState');

/**
 * What Node keeps of a web stream. By what is public nobody can see what a stream's queue asks of its source, and that
 * goes on unread: so the asking itself is looked at, where it is done. Undefined where Node keeps it elsewhere.
 */
function insideOf(thing: unknown): Record<string, unknown> | undefined {
  const inside = INSIDE && isObject(thing) && (thing as Record<symbol, unknown>)[INSIDE];
  return isObject(inside) ? (inside as Record<string, unknown>) : undefined;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

export function refuse(action: string): never {
  throw new ActionResultError(
    action,
    `is a stream whose steps cannot be seen in this runtime (Node ${process.version}): await inside execute what goes through it`,
  );
}

interface Opened<Outer, Own> {
  readonly outer: Outer;
  readonly own: Own;
}

const READS = ['pullAlgorithm', 'cancelAlgorithm'];
const WRITES = ['writeAlgorithm', 'closeAlgorithm', 'abortAlgorithm'];

/** @throws ActionResultError for a stream that is not, in all that is used of it, as we know it */
export function openReadable(stream: object, action: string): Opened<ReadableInside, ReadInside> {
  const [outer, own] = bothOf(stream);
  if (!outer || !own || typeof own['pulling'] !== 'boolean') return refuse(action);
  if (!areKnown(own, READS, outer['state'] === 'readable')) return refuse(action);
  return { outer, own } as unknown as Opened<ReadableInside, ReadInside>;
}

/** The same for one that is written. */
export function openWritable(stream: object, action: string): Opened<WritableInside, WriteInside> {
  const [outer, own] = bothOf(stream);
  const [write, close] = [outer?.['inFlightWriteRequest'], outer?.['inFlightCloseRequest']];
  if (!outer || !own || !('writer' in outer) || !isObject(write) || !isObject(close)) return refuse(action);
  const isOpen = outer['state'] === 'writable' && (close as Request).promise === undefined;
  if (!areKnown(own, WRITES, isOpen)) return refuse(action);
  return { outer, own } as unknown as Opened<WritableInside, WriteInside>;
}

function bothOf(stream: object): Array<Record<string, unknown> | undefined> {
  const outer = insideOf(stream);
  const own = typeof outer?.['state'] === 'string' ? insideOf(outer['controller']) : undefined;
  // By what is kept of it, since in Node 20 the stream that the app has is a twin of the one that Node has.
  return [outer, insideOf(own?.['stream']) === outer ? own : undefined];
}

/** Functions that can be replaced: all of them, or, of a stream that need no longer be open, none. */
function areKnown(own: object, names: readonly string[], isOpen: boolean): boolean {
  const found = names.map((name) => Object.getOwnPropertyDescriptor(own, name));
  if (!found.every((member) => member?.writable && member.configurable)) return false;
  return (
    found.every((member) => typeof member?.value === 'function') ||
    (!isOpen && found.every((member) => member?.value === undefined))
  );
}

/** The stream of a reader or a writer; undefined for one that has let go of it. @throws ActionResultError */
export function streamOf(holder: object, action: string): object | undefined {
  const inside = insideOf(holder);
  if (!inside || !('stream' in inside)) return refuse(action);
  return inside['stream'] as object | undefined;
}

/** Resolves when Node sets this the next time. */
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

/** Resolves when Node reads this the next time. */
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
