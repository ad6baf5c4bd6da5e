import { finished } from 'node:stream';
import type { ReadableWritablePair } from 'node:stream/web';
import type { Hold, OpenPart } from './part.ts';
import { holdTogether, type Together } from './together.ts';
import { insideOf, openUp, type ReadInside, type StreamInside, untilSet, type WriteInside } from './web-insides.ts';

type ReadController = ReadableStreamDefaultController<unknown>;

/**
 * A web stream stays the same object: what it asks of its source, also ahead and unread, is looked at, and it is in flight until it has ended and nothing
 * that was asked is under way.
 */
export const holdReadableStream: Hold<ReadableStream<unknown>> = (stream, open, action) => {
  const { outer, own } = openUp<ReadController, ReadInside>(stream, ['pullAlgorithm', action]);
  if (own.pullAlgorithm)
    holdOnce(stream, { open, action }, (part) => holdReads(stream, { controller: outer.controller, own }, part));
  return stream;
};

/** The same for one that is written: each piece is looked at before it is handed on, and so is the end, which may be what commits. */
export const holdWritableStream: Hold<WritableStream<unknown>> = (stream, open, action) => {
  const { outer, own } = openUp<{ readonly signal: AbortSignal }, WriteInside>(stream, ['writeAlgorithm', action]);
  const underWay = (['inFlightWriteRequest', 'inFlightCloseRequest'] as const).filter(
    (key) => outer[key]?.promise !== undefined,
  );
  if (!own.writeAlgorithm && underWay.length === 0) return stream;
  holdOnce(stream, { open, action }, (part) => {
    for (const key of underWay) count(part, untilSet(outer, key));
    if (own.writeAlgorithm) holdWrites(own, part, outer.controller.signal);
    return (reason) => void (outer.writer ?? stream).abort(reason).catch(() => {});
  });
  return stream;
};

/** Both sides of a transformation. */
export const holdTransformStream: Hold<ReadableWritablePair<unknown, unknown>> = (pair, ...how) => {
  holdReadableStream(pair.readable, ...how);
  holdWritableStream(pair.writable, ...how);
  return pair;
};

/** What reads or writes a stream: that stream is held. */
export const holdReader: Hold<object> = (reader, ...how) => {
  const stream = insideOf<{ readonly stream?: ReadableStream }>(reader)?.stream;
  if (stream) holdReadableStream(stream, ...how);
  return reader;
};
export const holdWriter: Hold<object> = (writer, ...how) => {
  const stream = insideOf<{ readonly stream?: WritableStream }>(writer)?.stream;
  if (stream) holdWritableStream(stream, ...how);
  return writer;
};

type Stop = (reason: Error) => void;

interface Reads {
  readonly controller: ReadController;
  readonly own: ReadInside;
}

/** It only makes room for a piece, and is over when one is written: never, once the stream is over. */
const PULL_OF_A_TRANSFORMATION = pullOf(new TransformStream().readable);

function pullOf(stream: ReadableStream): string {
  const controller = insideOf<StreamInside<object>>(stream)?.controller;
  return String(controller && insideOf<ReadInside>(controller)?.pullAlgorithm);
}

/** How each stream that is held is ended. */
const stops = new WeakMap<object, Stop>();

/** What nobody can reach any more has nothing under way either: that would reach it. */
const unreachable = new FinalizationRegistry<Together>((part) => part.drop());

interface Held {
  readonly open: OpenPart;
  readonly action: string;
}

function holdOnce(stream: object, { open, action }: Held, hold: (part: Together) => Stop): void {
  const part = holdTogether(stream, { open, stop: stopOf(new WeakRef(stream)), action });
  if (!part) return;
  unreachable.register(stream, part);
  stops.set(stream, hold(part));
  whenOver(stream, () => part.end());
}

/** Apart, since a closure holds all that the closures beside it hold. Where the collector has found the stream, its parts are dropped anyway. */
const stopOf =
  (stream: WeakRef<object>): Stop =>
  (reason) => {
    const found = stream.deref();
    if (found) stops.get(found)?.(reason);
  };

function holdReads(stream: ReadableStream, { controller, own }: Reads, part: Together): Stop {
  const { pullAlgorithm: pull = async () => {}, cancelAlgorithm: cancel } = own;
  const onlyWaits = String(pull) === PULL_OF_A_TRANSFORMATION;
  let endWait = (): void => {};
  const ask = (given: unknown): Promise<void> =>
    new Promise((resolve, reject) => {
      if (onlyWaits) endWait = resolve;
      pull(given).then(resolve, reject);
    });
  own.pullAlgorithm = (given) =>
    take(
      part,
      () => ask(given),
      () => !own.pullAlgorithm,
    );
  if (onlyWaits) whenOver(stream, () => endWait());
  let cancelled: Promise<void> | undefined;
  own.cancelAlgorithm = (reason) => {
    cancelled ??= leave(part, () => cancel?.(reason)).finally(() => endWait());
    return cancelled;
  };

  // One that began before the stream was given does not say when it is over once the stream has failed: so it ends first, as a generator's step does.
  let early: Promise<void> | undefined;
  if (own.pulling && !onlyWaits) {
    early = Promise.race([untilSet(own, 'pulling'), untilFailed(stream)]).then(() => {
      early = undefined;
    });
    count(part, early);
  }
  return (reason) => {
    const { cancelAlgorithm } = own;
    const fail = (): void => controller.error(reason);
    if (early) void early.then(fail);
    else fail();
    cancelAlgorithm?.(reason).catch(() => {});
  };
}

function holdWrites(own: WriteInside, part: Together, signal: AbortSignal): void {
  const { writeAlgorithm: write, closeAlgorithm: close, abortAlgorithm: abort } = own;
  const isOver = (): boolean => signal.aborted;
  own.writeAlgorithm = (piece, given) => take(part, () => write?.(piece, given), isOver, signal);
  own.closeAlgorithm = () => take(part, () => close?.(), isOver, signal);
  own.abortAlgorithm = (reason) => leave(part, () => abort?.(reason));
}

/** Takes a step as soon as it may begin, unless the stream is over by then. @throws ActionStoppedError */
async function take(part: Together, step: () => unknown, isOver: () => boolean, signal?: AbortSignal): Promise<void> {
  for (let wait = part.pass(); wait; wait = part.pass(wait.isFresh)) {
    await (signal ? Promise.race([wait.until, untilAborted(signal)]) : wait.until);
    if (!isOver()) continue;
    signal?.throwIfAborted();
    return;
  }
  part.begin();
  try {
    await step();
  } finally {
    part.rest();
  }
}

/** Cleaning up is never refused, and the last thing that is done. */
async function leave(part: Together, work: () => unknown): Promise<void> {
  part.begin();
  try {
    await work();
  } finally {
    part.end();
    part.rest();
  }
}

function count(part: Together, underWay: Promise<void>): void {
  part.begin();
  void underWay.then(() => part.rest());
}

const untilFailed = (stream: ReadableStream): Promise<void> =>
  new Promise((resolve) => whenOver(stream, (error) => error !== undefined && resolve()));

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Node takes web streams here, too; its types do not say so. */
const whenOver = (stream: object, then: (error?: unknown) => void): void =>
  void finished(stream as NodeJS.ReadableStream, then);
