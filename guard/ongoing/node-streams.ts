import type { Duplex, Readable, Writable } from 'node:stream';
import { ActionResultError } from '../errors.ts';
import { type Hold, type Part, whenPassed } from './part.ts';

type NodeStream = Partial<Readable & Writable & Duplex> & Pick<Readable, 'destroy' | 'once' | 'listenerCount'>;
type Callback = (error?: Error | null) => void;

/** The methods with which a stream of Node's writes; the last argument of each is the callback. */
const STEPS = ['_write', '_writev', '_final'] as const;

/**
 * A stream of Node's stays the same object, with all that it carries: what it does to get or to hand on the next piece is looked at first. It is in flight
 * until it has ended on both sides, or was destroyed.
 */
export const holdNodeStream: Hold<NodeStream> = (stream, open, action) => {
  if (!Object.isExtensible(stream))
    throw new ActionResultError(action, 'is a frozen stream, so its steps cannot be looked at');
  if (stream.destroyed || (!stream.readable && !stream.writable)) return stream;
  const part: Part = open((reason) => {
    // Destroyed with an error that nobody listens to, it would take the whole process with it: a stop is no crash.
    if (stream.listenerCount('error') === 0) stream.once('error', () => {});
    stream.destroy(reason);
  });
  let sides = 0;
  const ends = (event: string): void => {
    sides += 1;
    stream.once(event, () => {
      sides -= 1;
      if (sides === 0) part.end();
    });
  };
  if (stream.readable) ends('end');
  if (stream.writable) ends('finish');
  stream.once('close', () => part.end());

  const { _read: read, push } = stream;
  if (stream.readable && read && push) {
    stream._read = (size) =>
      whenPassed(
        part,
        () => read.call(stream as Readable, size),
        (error) => stream.destroy(error),
      );
    if (!stream.writable) {
      // What has been read to its end can act no more, also while nobody takes it.
      stream.push = (piece, encoding) => {
        if (piece === null) part.end();
        return push.call(stream as Readable, piece, encoding);
      };
    }
  }
  for (const name of STEPS) {
    const step = stream[name] as ((...args: unknown[]) => void) | undefined;
    if (!stream.writable || typeof step !== 'function') continue;
    Object.defineProperty(stream, name, {
      value: (...args: unknown[]) => whenPassed(part, () => step.apply(stream, args), args.at(-1) as Callback),
      configurable: true,
      writable: true,
    });
  }
  return stream;
};
