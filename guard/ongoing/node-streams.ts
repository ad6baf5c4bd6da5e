import { type Duplex, Readable, type Transform, Writable } from 'node:stream';
import { ActionResultError } from '../errors.ts';
import { type Hold, type OpenPart, type Part, silence } from './part.ts';
import { Together } from './together.ts';

type NodeStream = Partial<Readable & Writable & Duplex & Transform> &
  Pick<Readable, 'destroy' | 'destroyed' | 'listeners' | 'on' | 'once'> & {
    /** The request of which this is the answer, where it is one. */
    readonly req?: Readable;
  };
type Callback = (...results: unknown[]) => void;

/** The methods with which a stream of Node's writes; the last argument of each is the callback. */
const WRITES = ['_write', '_writev', '_final', '_transform', '_flush'] as const;

/** What a stream has that does nothing of its own when it is destroyed. */
const IDLE_DESTROY: readonly unknown[] = [Readable.prototype._destroy, Writable.prototype._destroy];

/** A step that is under way is told to its stream: where nobody can reach the stream any more, no step is. */
const unreachable = new FinalizationRegistry<Part>((part) => part.drop());

/**
 * A stream of Node's stays the same object, with all that it carries: what it does to get or to hand on the next piece is looked at first. It is in flight
 * until it has ended on both sides, or was destroyed, and no step of it is under way.
 */
export const holdNodeStream: Hold<NodeStream> = (stream, open, action) => {
  if (!Object.isExtensible(stream))
    throw new ActionResultError(action, 'is a frozen stream, so its steps cannot be looked at');
  if (stream.destroyed || (!stream.readable && !stream.writable)) return stream;
  const part = openFor(new WeakRef(stream), open);
  unreachable.register(stream, part);
  const before = held.get(stream);
  if (before) before.add(part);
  else hold(stream, part);
  return stream;
};

/** The streams whose steps are looked at. */
const held = new WeakMap<NodeStream, Together>();

function hold(stream: NodeStream, first: Part): void {
  const part = new Together();
  part.add(first);
  held.set(stream, part);
  const base = baseOfTransform(stream);
  const readIsOver = stream.readable && stream._read !== base?._read ? holdReads(stream, part) : () => {};
  if (stream.writable) holdWrites(stream, part, base);
  holdEnd(stream, part, readIsOver);
}

/** Apart, since a closure holds all that the closures beside it hold. */
function openFor(stream: WeakRef<NodeStream>, open: OpenPart): Part {
  const part: Part = open((reason) => {
    const found = stream.deref();
    if (found) destroy(found, reason);
    else part.drop();
  });
  return part;
}

/** Whoever listens hears why. An answer of HTTP passes it on to its request. */
function destroy(stream: NodeStream, reason: Error): void {
  silence(stream);
  if (stream.req) silence(stream.req);
  stream.destroy(reason);
}

/**
 * What a Transform has from its base class only calls its own `_transform` and `_flush`; replaced, its `_final` would run twice. That class has a `_transform`
 * that every stream of it replaces, whatever a bundler calls it.
 */
function baseOfTransform(stream: NodeStream): NodeStream | undefined {
  let base: NodeStream | undefined;
  for (let at: unknown = stream; at; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, '_transform') && (at as NodeStream)._transform !== stream._transform) base = at as NodeStream;
  }
  return base;
}

/** Takes a step as soon as it may begin; `refuse` hears why it never does. What the step throws goes where it went before. */
function take(stream: NodeStream, part: Together, step: () => unknown, refuse: (error: Error) => void): void {
  let wait: Promise<void> | null;
  try {
    wait = part.pass();
  } catch (error) {
    silence(stream);
    return refuse(error as Error);
  }
  if (wait) {
    wait
      .then(() => {
        if (!stream.destroyed) take(stream, part, step, refuse);
        else refuse(stream.errored ?? new Error('The stream was destroyed while this step was held by a pause.'));
      })
      .catch((error: Error) => stream.destroy(error));
    return;
  }
  const given = step();
  if (!(given instanceof Promise)) return;
  part.begin();
  void given.finally(() => part.rest()); // what it fails with stays unhandled, if it was
}

/** It is asked to read until it is told that it is full: until then a step may be under way. The returned function ends that. */
function holdReads(stream: NodeStream, part: Together): () => void {
  const { _read: read, push, writable } = stream as Duplex;
  let isAsked = false;
  let isWaiting = false;
  const isOver = (): void => {
    if (!isAsked) return;
    isAsked = false;
    part.rest();
  };
  stream._read = (size) => {
    if (isWaiting) return;
    isWaiting = true;
    const ask = (): unknown => {
      isWaiting = false;
      if (!isAsked) part.begin();
      isAsked = true;
      return read.call(stream as Readable, size);
    };
    take(stream, part, ask, (error) => destroy(stream, error));
  };
  stream.push = (piece, encoding) => {
    // What has been read to its end can act no more, also while nobody takes it.
    if (piece === null && !writable) part.end();
    // Told that it is full, what reads of its own accord waits to be asked again: after the pause.
    const hasRoom = push.call(stream as Readable, piece, encoding) && !part.isHeld();
    if (!hasRoom) isOver();
    return hasRoom;
  };
  return isOver;
}

function holdWrites(stream: NodeStream, part: Together, base: NodeStream | undefined): void {
  for (const name of WRITES) {
    const step = stream[name] as ((...args: unknown[]) => unknown) | undefined;
    if (typeof step !== 'function' || step === base?.[name]) continue;
    const looked = (...args: unknown[]): void => {
      const callback = args.pop() as Callback;
      let isOver = false;
      const ended: Callback = (...results) => {
        if (!isOver) part.rest();
        isOver = true;
        callback(...results);
      };
      const write = (): unknown => {
        part.begin();
        return step.call(stream, ...args, ended);
      };
      take(stream, part, write, callback);
    };
    Object.defineProperty(stream, name, { value: looked, configurable: true, writable: true });
  }
}

function holdEnd(stream: NodeStream, part: Together, readIsOver: () => void): void {
  let sides = 0;
  const side = (event: string): void => {
    sides += 1;
    stream.once(event, () => {
      sides -= 1;
      if (sides === 0) part.end();
    });
  };
  if (stream.readable) side('end');
  if (stream.writable) side('finish');

  const { _destroy: tearDown } = stream as Readable;
  const closed = (): void => {
    // What tears itself down has ended its reading with that. What does not goes on with what it was asked to read, until it gives it.
    if (!part.isHeld() || !IDLE_DESTROY.includes(tearDown)) readIsOver();
    part.end();
  };
  stream.once('close', closed);
  if (typeof tearDown !== 'function') return;
  // A stream may be made so that it tells nobody that it is closed.
  (stream as Readable)._destroy = (error, callback) =>
    tearDown.call(stream as Readable, error, (failure) => {
      closed();
      callback(failure);
    });
}
