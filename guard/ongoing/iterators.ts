import { types } from 'node:util';
import { copyOf } from './copy.ts';
import { innerOf, orStopped, type Stopped } from './given.ts';
import { dropped, type Hold, type HoldInner, type OpenPart, type Part, passedNow } from './part.ts';
import { handedOut, holdStep } from './promises.ts';
import { shared } from './shared.ts';
import { standIn } from './stand-in.ts';

/** Holds a synchronous generator. It cannot wait, so in a pause a step throws; the caller may try it again later. */
export const holdIterator: Hold<Iterator<unknown>> = (source, open, action, inner) =>
  shared(source, { open, action }, () => {
    const { part, methods } = stepsOf(source, open, action, inner);
    const all = {
      ...methods,
      [Symbol.iterator](this: object) {
        return this;
      },
      [Symbol.dispose]: () => void methods.return(),
    };
    return { part, held: standIn(source, all, action, 'iterate it') };
  });

/** Holds a plain object with a `next()`, which may return a value or a promise. */
export const holdBareIterator: Hold<Iterator<unknown>> = (source, open, action, inner) =>
  shared(source, { open, action, isCopy: true }, () => {
    const { part, methods } = stepsOf(source, open, action, inner);
    const own = new Map<PropertyKey | undefined, unknown>(Object.entries(methods).filter(([name]) => name in source));
    return { part, held: copyOf(source, (value, key) => own.get(key) ?? value) };
  });

/** Holds a plain object that makes iterators, and each iterator that it makes. */
export const holdIterable: Hold<Iterable<unknown>> = (source, open, _action, inner) => {
  const part: Part = open(() => part.end()); // in flight already before it is iterated
  const iterate = (): unknown => {
    const iterator = passedNow(part, () => inner(source[Symbol.iterator]()));
    part.end();
    return iterator;
  };
  const held = copyOf(source, (value, key) => (key === Symbol.iterator ? iterate : value));
  dropped.register(held, part);
  return held;
};

function stepsOf(source: Iterator<unknown>, open: OpenPart, action: string, inner: HoldInner) {
  let reason: Error | undefined;
  const stopped: Stopped = () => reason;
  const part: Part = open((why) => {
    reason = why;
    return () => {
      part.end();
      // throws where it is running, or refuses to end: then its next step is refused
      part.within(() => source.return?.());
    };
  });
  const given = (result: unknown): unknown => innerOf(result, part, inner, stopped);
  const begin = (step: () => unknown): unknown =>
    passedNow(part, () =>
      orStopped(stopped, () => {
        const result = step();
        return types.isPromise(result) ? holdStep(result, open, action, given) : given(result);
      }),
    );
  /**
   * The last step, while it is pending. A step that is asked for meanwhile begins after it, and the switch is checked
   * then.
   */
  let last: Promise<void> | undefined;
  const take = (step: () => unknown): unknown => {
    const result = last ? last.then(() => begin(step)) : begin(step);
    if (!(result instanceof Promise)) return result;
    const over = (): void => {
      if (last === ended) last = undefined;
    };
    const ended = result.then(over, over);
    last = ended;
    return handedOut(result);
  };
  const methods = {
    next: (...args: [] | [unknown]) => take(() => source.next(...args)),
    throw: (error: unknown) =>
      take(() => {
        if (source.throw) return source.throw(error);
        throw error;
      }),
    return(value?: unknown) {
      try {
        return part.within(() => source.return?.(value)) ?? { done: true, value };
      } finally {
        part.end();
      }
    },
  };
  return { part, methods };
}
