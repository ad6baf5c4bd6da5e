import type { Duplex, Transform } from 'node:stream';
import type { Within } from '../acting-as.ts';
import type { Together } from './together.ts';

/** As whom to call back those who asked last. */
export interface Askers {
  /** Who listens to what was read; at first whoever is asked. */
  reader: Within;
  /** Who waits until what they wrote is handed on; at first the giver. */
  writer: Within;
  /** The later one of both: who hears that a step has destroyed the stream. */
  last: Within | undefined;
}

/**
 * What a Transform has from its base class only calls its own `_transform` and `_flush`; replaced, its `_final` would
 * run twice. That class has a `_transform` that every stream of it replaces, whatever a bundler calls it.
 */
export function baseOfTransform<T extends Partial<Transform>>(stream: T): T | undefined {
  let base: T | undefined;
  for (let at: unknown = stream; at; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, '_transform') && (at as T)._transform !== stream._transform) base = at as T;
  }
  return base;
}

/** A Transform that is read only lets its writer go on: that is no step. */
export function holdRoom(stream: Pick<Duplex, '_read' | 'push'>, askers: Askers, part: Together): void {
  const { _read: read, push } = stream;
  stream._read = (size) => {
    askers.reader = askers.last = part.asker();
    askers.writer(() => read.call(stream as Duplex, size));
  };
  stream.push = (piece, encoding) => askers.reader(() => push.call(stream as Duplex, piece, encoding));
}
