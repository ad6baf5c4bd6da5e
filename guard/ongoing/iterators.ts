import { ActionResultError } from '../errors.ts';
import { dropped, type Hold, type Part, passed, passedNow } from './part.ts';

/** An async iterator or generator, whose every step is looked at. */
export const holdAsyncIterator: Hold<AsyncIterator<unknown>> = (source, open) => {
  // A step that is under way ends first; what it throws on its way out belongs to nobody.
  const stop = async (): Promise<void> => void (await source.return?.());
  const part: Part = open(
    () =>
      void stop()
        .catch(() => {})
        .finally(() => part.end()),
  );
  const step = async (take: () => Promise<IteratorResult<unknown>>): Promise<IteratorResult<unknown>> => {
    const result = await passed(part, take);
    if (result.done) part.end();
    return result;
  };
  const held = {
    next: (...args: [] | [unknown]) => step(() => source.next(...args)),
    throw: (error: unknown) => step(() => (source.throw ? source.throw(error) : Promise.reject(error as Error))),
    async return(value?: unknown) {
      try {
        return await (source.return?.(value) ?? { done: true, value });
      } finally {
        part.end();
      }
    },
    // `this`, since a closure over the iterator would keep it from the collector.
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      await this.return();
    },
  };
  dropped.register(held, part);
  return held;
};

/** A generator that is stepped synchronously: it cannot wait, so a pause ends the step with an error, and the next one is tried anew. */
export const holdIterator: Hold<Iterator<unknown>> = (source, open) => {
  const part: Part = open(() => {
    try {
      source.return?.();
    } catch {
      // It runs just now, or does not want to end: its next step is refused.
    }
    part.end();
  });
  const step = (take: () => IteratorResult<unknown>): IteratorResult<unknown> => {
    const result = passedNow(part, take);
    if (result.done) part.end();
    return result;
  };
  const held = {
    next: (...args: [] | [unknown]) => step(() => source.next(...args)),
    throw: (error: unknown) =>
      step(() => {
        if (source.throw) return source.throw(error);
        throw error;
      }),
    return(value?: unknown) {
      try {
        return source.return?.(value) ?? { done: true, value };
      } finally {
        part.end();
      }
    },
    [Symbol.iterator]() {
      return this;
    },
    [Symbol.dispose]() {
      this.return();
    },
  };
  dropped.register(held, part);
  return held;
};

/**
 * Something with an async iterator that is not one itself, such as a database's cursor or an SDK's stream: what it gives when it is iterated is held. Its
 * other methods could act unseen, so they are refused by name; what it holds can be read.
 */
export const holdAsyncIterable: Hold<AsyncIterable<unknown>> = (source, open, action) => {
  const begun: Part = open(() => begun.end()); // in flight before it is iterated, too
  const held = new Proxy(source, {
    get(target, key) {
      if (key === Symbol.asyncIterator) {
        return () => {
          begun.passNow();
          const iterator = holdAsyncIterator(target[Symbol.asyncIterator](), open, action);
          begun.end();
          return iterator;
        };
      }
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function' || key === 'constructor') return value;
      return () => {
        throw new ActionResultError(
          action,
          `goes on after the call, and its ${String(key)}() could not be looked at: iterate it with for await, or call ${String(key)}() inside execute`,
        );
      };
    },
  });
  dropped.register(held, begun);
  return held;
};

/** What is still being done, though it was not awaited. */
export const holdPromise: Hold<Promise<unknown>> = (promise, open) => {
  const part = open(() => {}); // it can only be told by the signal
  part.begin();
  const end = (): void => part.drop();
  promise.then(end, end);
  return promise;
};
