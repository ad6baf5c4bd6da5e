import type { Duplex, Readable, Transform, Writable } from 'node:stream';
import { isMainThread } from 'node:worker_threads';
import { ActionResultError, ActionStoppedError } from '../errors.ts';
import { type Hold, makeRoom, silence, type Wait } from './part.ts';
import { holdTogether, type Together } from './together.ts';
import { tearsDown } from './torn-down.ts';
import { type Askers, baseOfTransform, holdRoom } from './transforms.ts';

type NodeStream = Partial<Readable & Writable & Duplex & Transform> &
  Pick<Readable, 'destroy' | 'destroyed' | 'getMaxListeners' | 'listeners' | 'on' | 'once' | 'setMaxListeners'> & {
    /** The request of which this is the answer, where it is one. */
    readonly req?: Readable;
    /** Where it is one of the process's own, and often else: the number of its file. */
    readonly fd?: unknown;
    readonly _isStdio?: unknown;
    /** What does the steps of a socket or a compressor, while it is open. */
    readonly _handle?: object | null;
    /** Whether all has been read that ever will be: `readableEnded` also waits until somebody has taken it. */
    readonly _readableState?: { readonly ended?: boolean };
  };
type Callback = (...results: unknown[]) => void;

/** The methods with which a stream of Node's writes; the last argument of each is the callback. */
const WRITES = ['_write', '_writev', '_final', '_transform', '_flush'] as const;

/** A step that is under way is told to its stream: where nobody can reach the stream any more, no step is. */
const unreachable = new FinalizationRegistry<Together>((part) => part.drop());

/**
 * A stream of Node's stays the same object, with all that it carries: what it does to get or to hand on the next piece
 * is looked at first. It is in flight until it has ended on both sides, or was destroyed, and no step of it is under
 * way.
 */
export const holdNodeStream: Hold<NodeStream> = (stream, open, action) => {
  if (!Object.isExtensible(stream))
    throw new ActionResultError(action, 'is a frozen stream, so its steps cannot be looked at');
  if (isOfProcess(stream))
    throw new ActionResultError(
      action,
      'is the standard input or output of the whole process, which no stop of one call may end: await inside execute what goes through it, and return what comes of that',
    );
  const sides = openSides(stream);
  if (!sides.reads && !sides.writes) return stream;
  const part = holdTogether(stream, { open, stop: stopOf(new WeakRef(stream)), action });
  if (!part) return stream;
  unreachable.register(stream, part);
  const base = baseOfTransform(stream);
  const askers: Askers = { reader: (work) => work(), writer: (work) => part.within(work), last: undefined };
  const isTransform = stream._read === base?._read;
  const readIsOver = sides.reads && !isTransform ? holdReads(stream, part, askers) : () => {};
  if (sides.reads && isTransform) holdRoom(stream as Duplex, askers, part);
  const writesAreOver = sides.writes ? holdWrites(stream, { part, base, askers }) : () => {};
  const ending = { part, sides, askers, readIsOver, writesAreOver, tearsDown: tearsDown(stream as Readable, base) };
  holdEnd(stream, ending);
  return stream;
};

const LAST_STANDARD_FILE = 2;

/** A thread has streams of its own, which lead to those of the process. */
const isOfProcess = (stream: NodeStream): boolean =>
  stream._isStdio === true ||
  (typeof stream.fd === 'number' && stream.fd <= LAST_STANDARD_FILE) ||
  (!isMainThread && [process.stdin, process.stdout, process.stderr].includes(stream as never));

/**
 * Which sides of a stream can still act: one that nobody may write to any more goes on until all that was written is
 * handed on.
 */
interface Sides {
  readonly reads: boolean;
  readonly writes: boolean;
}

const openSides = (stream: NodeStream): Sides => ({
  reads: !stream.destroyed && stream.readable === true && stream._readableState?.ended !== true,
  writes: !stream.destroyed && !stream.errored && (stream.writable === true || stream.writableFinished === false),
});

/**
 * Apart, since a closure holds all that the closures beside it hold. Where the collector has found the stream, its
 * parts are dropped anyway.
 */
const stopOf =
  (stream: WeakRef<NodeStream>) =>
  (reason: Error): void => {
    const found = stream.deref();
    if (found) destroy(found, reason);
  };

/** Whoever listens hears why. An answer of HTTP passes it on to its request. */
function destroy(stream: NodeStream, reason: Error): void {
  silence(stream);
  if (stream.req) silence(stream.req);
  stream.destroy(reason);
}

interface Step {
  readonly begin: () => unknown;
  /** Hears why it never begins. */
  readonly refuse: (error: Error) => void;
}

/** Takes a step as soon as it may begin. What it throws goes where it went before. */
function take(stream: NodeStream, part: Together, step: Step, isFresh?: boolean): void {
  const { begin, refuse } = step;
  let wait: Wait | null;
  try {
    wait = part.pass(isFresh);
  } catch (error) {
    silence(stream);
    return refuse(error as Error);
  }
  if (wait) {
    const { until, isFresh: isFreshThen } = wait;
    until
      .then(() => {
        if (!stream.destroyed) take(stream, part, step, isFreshThen);
        else refuse(stream.errored ?? new Error('The stream was destroyed while this step was held by a pause.'));
      })
      .catch((error: Error) => stream.destroy(error));
    return;
  }
  const given = part.within(begin);
  if (!(given instanceof Promise)) return;
  part.begin();
  void given.finally(() => part.rest()); // what it fails with stays unhandled, if it was
}

/**
 * It is asked to read until it is told that it is full: until then a step may be under way. The returned function ends
 * that.
 */
function holdReads(stream: NodeStream, part: Together, askers: Askers): () => void {
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
    askers.reader = askers.last = part.asker();
    const begin = (): unknown => {
      isWaiting = false;
      if (!isAsked) part.begin();
      isAsked = true;
      return read.call(stream as Readable, size);
    };
    const refuse = (error: Error): void => {
      isOver(); // it is asked again, so what was asked for before has come
      destroy(stream, error);
    };
    take(stream, part, { begin, refuse });
  };
  stream.push = (piece, encoding) => {
    // What has been read to its end can act no more, also while nobody takes it.
    if (piece === null && !writable) part.end();
    // Told that it is full, what reads of its own accord waits to be asked again: after the pause.
    const hasRoom = askers.reader(() => push.call(stream as Readable, piece, encoding)) && !part.isHeld();
    if (!hasRoom) isOver();
    return hasRoom;
  };
  return isOver;
}

interface Writes {
  readonly part: Together;
  readonly base: NodeStream | undefined;
  readonly askers: Askers;
}

/**
 * The returned function ends all that has not been answered. What an async function does is known to go on until that
 * has returned.
 */
function holdWrites(stream: NodeStream, { part, base, askers }: Writes): () => void {
  const unanswered = new Set<() => void>();
  for (const name of WRITES) {
    const step = stream[name] as ((...args: unknown[]) => unknown) | undefined;
    if (typeof step !== 'function' || step === base?.[name]) continue;
    const looked = (...args: unknown[]): void => {
      const callback = args.pop() as Callback;
      const asker = part.asker();
      askers.writer = askers.last = asker;
      const isOver = (): void => {
        if (unanswered.delete(isOver)) part.rest();
      };
      const ended: Callback = (...results) => {
        isOver();
        asker(() => callback(...results));
      };
      const begin = (): unknown => {
        unanswered.add(isOver);
        part.begin();
        try {
          const given = step.call(stream, ...args, ended);
          if (given instanceof Promise) given.catch(isOver);
          return given;
        } catch (error) {
          isOver();
          throw error;
        }
      };
      take(stream, part, { begin, refuse: callback });
    };
    Object.defineProperty(stream, name, { value: looked, configurable: true, writable: true });
  }
  return () => {
    for (const isOver of unanswered) isOver();
  };
}

interface Ending {
  readonly part: Together;
  readonly sides: Sides;
  readonly askers: Askers;
  readonly readIsOver: () => void;
  readonly writesAreOver: () => void;
  readonly tearsDown: boolean;
}

function holdEnd(stream: NodeStream, ending: Ending): void {
  const { part, sides, askers, readIsOver, writesAreOver, tearsDown } = ending;
  let open = 0;
  const side = (event: string): void => {
    open += 1;
    stream.once(event, () => {
      open -= 1;
      if (open === 0) part.end();
    });
  };
  makeRoom(stream);
  if (sides.reads) side('end');
  if (sides.writes) side('finish');

  const { _destroy: tearDown } = stream as Readable;
  const closed = (): void => {
    // What does not tear itself down goes on with what it was asked for, until it answers.
    if (tearsDown) writesAreOver();
    if (tearsDown || !part.isHeld()) readIsOver();
    if (stream._handle === null)
      part.drop(); // what did its steps is gone, and may never say that the last one is over
    else part.end();
  };
  stream.once('close', closed);
  if (typeof tearDown !== 'function') return;
  // A stream may be made so that it tells nobody that it is closed.
  (stream as Readable)._destroy = (error, callback) => {
    // One that a step destroys tells so to those for whom the step was taken.
    const asker = (part.isGivers() && askers.last) || part.asker();
    const ended = (failure?: Error | null): void => {
      closed();
      // One that forgets why it is destroyed would end as if nothing were amiss.
      asker(() => callback(error instanceof ActionStoppedError ? error : failure));
    };
    part.within(() => tearDown.call(stream as Readable, error, ended));
  };
}
