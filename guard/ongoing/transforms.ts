import type { Duplex, Transform } from 'node:stream';
import type { Within } from '../acting-as.ts';
import { memberOf } from './foreign.ts';
import type { Together } from './together.ts';

/** The identities under which to call back the code that asked last. */
export interface Askers {
  /** Of the code that reads; at first the identity of the moment. */
  reader: Within;
  /** Of the code that waits for its write to be handed on; at first that of the attempt that returned it. */
  writer: Within;
  /** The later of both: it is called back when a step has destroyed the stream. */
  last: Within | undefined;
}

/**
 * The prototype of the class Transform that a stream comes from. Its methods only call the stream's own `_transform`
 * and `_flush`, and must not be replaced: `_final` would run twice. It is recognised, in any copy or bundle of Node's
 * streams, by a `_transform` that the stream overrides.
 */
export function baseOfTransform(stream: Partial<Transform>): object | undefined {
  let base: object | undefined;
  for (let at: object | null = stream; at; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, '_transform') && memberOf(at, '_transform') !== stream._transform) base = at;
  }
  return base;
}

/** Wraps the reads of a Transform for their identities only: such a read makes room for the writer, and is no step. */
export function holdRoom(stream: Pick<Duplex, '_read' | 'push'>, askers: Askers, part: Together): void {
  const { _read: read, push } = stream;
  stream._read = (size) => {
    askers.reader = askers.last = part.asker();
    askers.writer(() => read.call(stream, size));
  };
  stream.push = (piece, encoding) => askers.reader(() => push.call(stream, piece, encoding));
}
