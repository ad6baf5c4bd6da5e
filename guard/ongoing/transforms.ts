import type { Duplex, Transform } from 'node:stream';
import type { Within } from '../acting-as.ts';
import type { Together } from './together.ts';

/** As whom to call back those who asked last: whoever listens to what was read, or waits until what they wrote is handed on. At first nobody has, or the giver. */
export interface Askers {
  reader: Within;
  writer: Within;
}

/**
 * What a Transform has from its base class only calls its own `_transform` and `_flush`; replaced, its `_final` would run twice. That class has a `_transform`
 * that every stream of it replaces, whatever a bundler calls it.
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
    askers.reader = part.asker();
    askers.writer(() => read.call(stream as Duplex, size));
  };
  stream.push = (piece, encoding) => askers.reader(() => push.call(stream as Duplex, piece, encoding));
}
