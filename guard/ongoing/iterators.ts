import { types } from 'node:util';
import { copyOf } from './copy.ts';
import { innerOf, orStopped, type Stopped } from './given.ts';
import { dropped, type Hold, type HoldInner, type OpenPart, type Part, passedNow } from './part.ts';
import { handedOut, holdStep } from './promises.ts';
import { shared } from './shared.ts';
import { standIn } from './stand-in.ts';

/**
 * A generator that is stepped synchronously: it cannot wait, so a pause ends the step with an error, and the next one
 * is tried anew.
 */
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

/** A plain object with a `next()`, which does not say how it is iterated: what that gives may have to be awaited. */
export const holdBareIterator: Hold<Iterator<unknown>> = (source, open, action, inner) =>
  shared(source, { open, action, isCopy: true }, () => {
    const { part, methods } = stepsOf(source, open, action, inner);
    const own = new Map<PropertyKey | undefined, unknown>(Object.entries(methods).filter(([name]) => name in source));
    return { part, held: copyOf(source, (value, key) => own.get(key) ?? value) };
  });

/** A plain object that makes iterators: what it makes is held. */
export const holdIterable: Hold<Iterable<unknown>> = (source, open, _action, inner) => {
  const part: Part = open(() => part.end()); // in flight before it is iterated, too
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
      // throws where it runs just now, or does not want to end: its next step is refused
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
   * The last step, while it has to be awaited: one that is asked for meanwhile begins after it, and is looked at then.
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
