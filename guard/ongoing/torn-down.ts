/** What of a stream says how it is destroyed. */
interface Destroyed {
  readonly _destroy?: unknown;
}

/**
 * Whether a stream has a way of its own to end what it does when it is destroyed, and has done so when that calls back:
 * then an answer may never come. What it has from its base class ends nothing, so what was begun may go on.
 * @param base the class of all transformations of its make, where it is one
 */
export function tearsDown(stream: object & Destroyed, base: object | undefined): boolean {
  let first: unknown;
  for (let at: unknown = stream; at; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, '_destroy')) first = (at as Destroyed)._destroy;
  }
  const { _destroy: own } = stream;
  return (own !== first && own !== (base as Destroyed | undefined)?._destroy) || isOfThread(stream);
}

/** What is written to a thread has been handed to it by then. The class is not given to anybody. */
const isOfThread = (stream: object): boolean => stream.constructor?.name === 'WritableWorkerStdio';
