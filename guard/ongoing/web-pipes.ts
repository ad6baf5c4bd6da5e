import type { ReadableWritablePair, StreamPipeOptions } from 'node:stream/web';
import type { Within } from '../acting-as.ts';
import type { Part } from './part.ts';
import { openWritable, type WriteInside } from './web-insides.ts';

/** The identity under which each stream that is piped into is written. */
const pipers = new WeakMap<object, { within: Within | undefined }>();

/**
 * Makes what a held stream is piped into be written under the identity of the code that pipes. Without this Node would
 * write it within the stream's step, under the identity of the attempt that returned the stream. Other ways to read
 * return a promise, which keeps the reader's identity.
 */
export function holdPipes(stream: ReadableStream, part: Pick<Part, 'asker'>): void {
  const { pipeTo, pipeThrough, tee } = stream;
  const from = (to: WritableStream | undefined): void => {
    if (to instanceof WritableStream && !to.locked && !stream.locked) writeAs(to, part.asker());
  };
  const methods = {
    async pipeTo(to: WritableStream, options?: StreamPipeOptions): Promise<void> {
      from(to);
      try {
        return await pipeTo.call(stream, to, options);
      } finally {
        const piper = pipers.get(to);
        if (piper && !to.locked) piper.within = undefined; // it was not closed, so others may write it now
      }
    },
    pipeThrough(pair: ReadableWritablePair, options?: StreamPipeOptions): ReadableStream {
      from(pair?.writable);
      return pipeThrough.call(stream, pair, options);
    },
    tee(): [ReadableStream, ReadableStream] {
      const branches = tee.call(stream);
      for (const branch of branches) holdPipes(branch, part);
      return branches;
    },
  };
  for (const [name, value] of Object.entries(methods))
    Object.defineProperty(stream, name, { value, writable: true, configurable: true });
}

function writeAs(to: WritableStream, within: Within): void {
  const before = pipers.get(to);
  if (before) {
    before.within = within;
    return;
  }
  const own = ownOf(to);
  if (!own) return;
  const piper = { within };
  pipers.set(to, piper);
  const asPiper = <Args extends unknown[], Result>(work: ((...args: Args) => Result) | undefined) =>
    work && ((...args: Args): Result => (piper.within ? piper.within(() => work(...args)) : work(...args)));
  own.writeAlgorithm = asPiper(own.writeAlgorithm);
  own.closeAlgorithm = asPiper(own.closeAlgorithm);
  own.abortAlgorithm = asPiper(own.abortAlgorithm);
}

/** Undefined for a stream that Node itself will not pipe into. */
function ownOf(to: WritableStream): WriteInside | undefined {
  try {
    return openWritable(to, '').own;
  } catch {
    return undefined;
  }
}
