import type { ReadableWritablePair } from 'node:stream/web';
import type { EndPart, Hold, OpenPart } from './part.ts';
import { holdTogether, type Together } from './together.ts';
import { openReadable, openWritable, refuse, streamOf } from './web-insides.ts';
import { holdReads, holdWrites, isWritten, whenOver } from './web-steps.ts';
import { holdPipes } from './web-pipes.ts';
import { isProven } from './web-trial.ts';

/**
 * Holds a web stream. It stays the same object; the switch is checked before each pull from its source, also ahead of
 * the reader. It is in flight until it has ended and no pull is under way.
 */
export const holdReadableStream: Hold<ReadableStream<unknown>> = (stream, open, action) => {
  const inside = isProven() ? openReadable(stream, action) : refuse(action);
  if (inside.own.pullAlgorithm)
    holdOnce(stream, { open, action }, (part) => {
      holdPipes(stream, part);
      return holdReads(stream, inside, part);
    });
  return stream;
};

/**
 * The same for a writable stream: the switch is checked before each write, and before the close, which may be what
 * commits.
 */
export const holdWritableStream: Hold<WritableStream<unknown>> = (stream, open, action) => {
  const inside = isProven() ? openWritable(stream, action) : refuse(action);
  if (isWritten(inside)) holdOnce(stream, { open, action }, (part) => holdWrites(stream, inside, part));
  return stream;
};

/** Both sides of a transformation. */
export const holdTransformStream: Hold<ReadableWritablePair<unknown, unknown>> = (pair, ...how) => {
  holdReadableStream(pair.readable, ...how);
  holdWritableStream(pair.writable, ...how);
  return pair;
};

/** Readers and writers: their stream is held. */
export const holdReader: Hold<object> = (reader, open, action, inner) => {
  const stream = streamOf(reader, action);
  if (!stream) return reader;
  if (!(stream instanceof ReadableStream)) return refuse(action);
  holdReadableStream(stream, open, action, inner);
  return reader;
};
export const holdWriter: Hold<object> = (writer, open, action, inner) => {
  const stream = streamOf(writer, action);
  if (!stream) return writer;
  if (!(stream instanceof WritableStream)) return refuse(action);
  holdWritableStream(stream, open, action, inner);
  return writer;
};

/** The function that stops each held stream. */
const stops = new WeakMap<object, EndPart>();

/** A stream that has been collected has no step under way: the step would hold it. */
const unreachable = new FinalizationRegistry<Together>((part) => part.drop());

interface Held {
  readonly open: OpenPart;
  readonly action: string;
}

function holdOnce(stream: object, { open, action }: Held, hold: (part: Together) => EndPart): void {
  const part = holdTogether(stream, { open, stop: stopOf(new WeakRef(stream)), action });
  if (!part) return;
  unreachable.register(stream, part);
  stops.set(stream, hold(part));
  whenOver(stream, () => part.end());
}

/**
 * A function of its own: a closure inside `holdOnce` would hold the stream strongly. Where the stream has been
 * collected, its parts are dropped anyway.
 */
const stopOf =
  (stream: WeakRef<object>): EndPart =>
  (reason) => {
    const found = stream.deref();
    return found && stops.get(found)?.(reason);
  };
