import type { Duplex, Readable, Transform, Writable } from 'node:stream';
import { isMainThread } from 'node:worker_threads';
import { asError } from '../../store/as-error.ts';
import { ActionResultError, ActionStoppedError } from '../errors.ts';
import { has, memberOf } from './foreign.ts';
import { type Hold, makeRoom, silence, type Wait } from './part.ts';
import { holdTogether, type Together } from './together.ts';
import { tearsDown } from './torn-down.ts';
import { type Askers, baseOfTransform, holdRoom } from './transforms.ts';

/** What else it has is whatever its class has given it. */
export type NodeStream = Partial<Readable & Writable & Duplex & Transform> &
  Pick<Readable, 'destroy' | 'destroyed' | 'getMaxListeners' | 'listeners' | 'on' | 'once' | 'setMaxListeners'> & {
    /** Of an HTTP response: its request. */
    readonly req?: Readable;
    /** The file descriptor: of standard input and output, and of many others. */
    readonly fd?: unknown;
    readonly _isStdio?: unknown;
    /** The native object that works for a socket or a compressor, while that is open. */
    readonly _handle?: object | null;
    /** Whether the source has ended: `readableEnded` is true only after the consumer has read everything. */
    readonly _readableState?: { readonly ended?: boolean };
  };
/** One that can be read. */
type Reading = NodeStream & Pick<Duplex, '_read' | 'push'>;

/** The methods with which a stream of Node's writes; the last argument of each is the callback. */
const WRITES = ['_write', '_writev', '_final', '_transform', '_flush'] as const;

/** A step that is under way holds its stream. So a stream that has been collected has no step under way. */
const unreachable = new FinalizationRegistry<Together>((part) => part.drop());

/**
 * Holds a Node stream. It stays the same object; the switch is checked before each read from its source and each write
 * to its sink. It is in flight until it has ended on both sides or was destroyed, and no step of it is under way.
 */
export const holdNodeStream: Hold<NodeStream> = (stream, open, action) => {
  if (!Object.isExtensible(stream))
    throw new ActionResultError(
      action,
      'is a frozen stream, so its steps cannot be checked: return one that is not frozen',
    );
  if (isOfProcess(stream))
    throw new ActionResultError(
      action,
      'is the standard input or output of the whole process, which no stop of one call may end: read or write it inside execute, and return the result of that',
    );
  const sides = openSides(stream);
  if (!sides.reads && !sides.writes) return stream;
  const reading = sides.reads ? readingOf(stream, action) : undefined;
  const part = holdTogether(stream, { open, stop: stopOf(new WeakRef(stream)), action });
  if (!part) return stream;
  unreachable.register(stream, part);
  const base = baseOfTransform(stream);
  const askers: Askers = { reader: (work) => work(), writer: (work) => part.within(work), last: undefined };
  const isTransform = stream._read === (base && memberOf(base, '_read'));
  const readIsOver = reading && !isTransform ? holdReads(reading, part, askers) : () => {};
  if (reading && isTransform) holdRoom(reading, askers, part);
  const writesAreOver = sides.writes ? holdWrites(stream, { part, base, askers }) : () => {};
  const ending = { part, sides, askers, readIsOver, writesAreOver, tearsDown: tearsDown(stream, base) };
  holdEnd(stream, ending);
  return stream;
};

const LAST_STANDARD_FILE = 2;

/** A worker thread has its own stream objects for the process's standard input and output. */
const isOfProcess = (stream: NodeStream): boolean =>
  stream._isStdio === true ||
  (typeof stream.fd === 'number' && stream.fd <= LAST_STANDARD_FILE) ||
  (!isMainThread && [process.stdin, process.stdout, process.stderr].some((standard: object) => standard === stream));

/**
 * Which sides of a stream can still act. The writing side does so until everything that was written has been handed on.
 */
interface Sides {
  readonly reads: boolean;
  readonly writes: boolean;
}

const openSides = (stream: NodeStream): Sides => ({
  reads: !stream.destroyed && stream.readable === true && stream._readableState?.ended !== true,
  writes: !stream.destroyed && !stream.errored && (stream.writable === true || stream.writableFinished === false),
});

/** @throws ActionResultError for a stream without the methods by which Node's streams are read */
function readingOf(stream: NodeStream, action: string): Reading {
  if (isReading(stream)) return stream;
  throw new ActionResultError(action, 'is a stream whose reads cannot be checked: read it to its end inside execute');
}

const isReading = (stream: NodeStream): stream is Reading => has(stream, '_read') && has(stream, 'push');

/**
 * A function of its own: a closure inside `holdNodeStream` would hold the stream strongly. Where the stream has been
 * collected, its parts are dropped anyway.
 */
const stopOf =
  (stream: WeakRef<NodeStream>) =>
  (reason: Error): void => {
    const found = stream.deref();
    if (found) destroy(found, reason);
  };

/** Listeners of `error` get the reason. An HTTP response passes it on to its request. */
function destroy(stream: NodeStream, reason: Error): void {
  silence(stream);
  if (stream.req) silence(stream.req);
  stream.destroy(reason);
}

interface Step {
  readonly begin: () => unknown;
  /** Called with the reason where the step never begins. */
  readonly refuse: (error: Error) => void;
}

/** Takes a step as soon as it may begin. Its errors go where they went without us. */
function take(stream: NodeStream, part: Together, step: Step, isFresh?: boolean): void {
  const { begin, refuse } = step;
  let wait: Wait | null;
  try {
    wait = part.pass(isFresh);
  } catch (error) {
    silence(stream);
    return refuse(asError(error));
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
  void given.finally(() => part.rest()); // its rejection stays as unhandled as it was
}

/**
 * Checks the switch before each `_read`. A read is under way until `push` says that the buffer is full. The returned
 * function ends it.
 */
function holdReads(stream: Reading, part: Together, askers: Askers): () => void {
  const { _read: read, push, writable } = stream;
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
      return read.call(stream, size);
    };
    const refuse = (error: Error): void => {
      isOver(); // it was asked again, so the read before has ended
      destroy(stream, error);
    };
    take(stream, part, { begin, refuse });
  };
  stream.push = (piece, encoding) => {
    // A source that has ended can act no more, also while nobody consumes what it gave.
    if (piece === null && !writable) part.end();
    // In a pause `push` says that the buffer is full, so that a source that pushes by itself waits to be asked again.
    const hasRoom = askers.reader(() => push.call(stream, piece, encoding)) && !part.isHeld();
    if (!hasRoom) isOver();
    return hasRoom;
  };
  return isOver;
}

interface Writes {
  readonly part: Together;
  readonly base: object | undefined;
  readonly askers: Askers;
}

/**
 * Checks the switch before each write. The returned function ends the writes whose callback has not been called. A
 * write by an async function goes on until its promise settles, too.
 */
function holdWrites(stream: NodeStream, { part, base, askers }: Writes): () => void {
  const unanswered = new Set<() => void>();
  for (const name of WRITES) {
    const step = memberOf(stream, name);
    if (typeof step !== 'function' || (base && step === memberOf(base, name))) continue;
    const looked = (...args: unknown[]): void => {
      const callback = args.pop();
      if (typeof callback !== 'function') throw new TypeError(`${name} was called without a callback.`);
      const asker = part.asker();
      askers.writer = askers.last = asker;
      const isOver = (): void => {
        if (unanswered.delete(isOver)) part.rest();
      };
      const ended = (...results: unknown[]): void => {
        isOver();
        asker(() => callback(...results));
      };
      const begin = (): unknown => {
        unanswered.add(isOver);
        part.begin();
        try {
          const given: unknown = step.call(stream, ...args, ended);
          if (given instanceof Promise) given.catch(isOver);
          return given;
        } catch (error) {
          isOver();
          throw error;
        }
      };
      take(stream, part, { begin, refuse: (error) => callback(error) });
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

  const { _destroy: tearDown } = stream;
  const closed = (): void => {
    // A stream without a `_destroy` of its own goes on with its writes until their callbacks come.
    if (tearsDown) writesAreOver();
    if (tearsDown || !part.isHeld()) readIsOver();
    if (stream._handle === null)
      part.drop(); // its native object is gone, and may never call back for the last step
    else part.end();
  };
  stream.once('close', closed);
  if (typeof tearDown !== 'function') return;
  // A stream with `emitClose: false` emits no `close`.
  stream._destroy = (error, callback) => {
    // Where a step destroys the stream, the callback runs as those for whom the step was taken.
    const asker = (part.isOrigins() && askers.last) || part.asker();
    const ended = (failure?: Error | null): void => {
      closed();
      // A stream that drops the reason would end as if it were complete.
      asker(() => callback(error instanceof ActionStoppedError ? error : failure));
    };
    part.within(() => tearDown.call(stream, error, ended));
  };
}
