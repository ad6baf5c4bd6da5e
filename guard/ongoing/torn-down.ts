/** The method by which a stream is destroyed. */
interface Destroyed {
  readonly _destroy?: unknown;
}

/**
 * Whether a stream has a `_destroy` of its own. When that has called back, its steps have ended, and the callback of a
 * write may never come. The `_destroy` of a base class ends nothing, so writes may go on.
 * @param base the Transform class that it comes from, where it is a Transform
 */
export function tearsDown(stream: object & Destroyed, base: object | undefined): boolean {
  let first: unknown;
  for (let at: unknown = stream; at; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, '_destroy')) first = (at as Destroyed)._destroy;
  }
  const { _destroy: own } = stream;
  return (own !== first && own !== (base as Destroyed | undefined)?._destroy) || isOfThread(stream);
}

/**
 * True for the stdin of a worker thread: what was written has been handed over by then. Node exports no class for it.
 */
const isOfThread = (stream: object): boolean => stream.constructor?.name === 'WritableWorkerStdio';
