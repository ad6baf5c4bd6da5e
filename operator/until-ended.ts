export interface Ending {
  /** Ends the iterator. */
  readonly signal: AbortSignal;
  /** Rejects the next `next()` with its reason, and ends the iterator then. */
  readonly closed: AbortSignal;
}

/**
 * An iterator over what a generator yields, which can be ended while a `next()` waits: a generator itself answers
 * `return()` only when what it waits for has come. `begin` gets a signal by which the generator learns of the end.
 */
export function untilEnded<T>(
  begin: (signal: AbortSignal) => AsyncGenerator<T>,
  { signal, closed }: Ending,
): AsyncIterableIterator<T> {
  const ending = new AbortController();
  const items = begin(ending.signal);
  const waiting = new Set<() => void>();
  let isOver = false;
  const end = (): void => {
    signal.removeEventListener('abort', end);
    closed.removeEventListener('abort', end);
    ending.abort();
    for (const wake of waiting) wake();
    items.return(undefined).catch(() => {}); // what it has open is closed, as soon as it waits for nothing
  };
  const done = (): IteratorResult<T> => {
    isOver = true;
    end();
    return { done: true, value: undefined };
  };
  /** The next item; null once this has ended. */
  const nextItem = (): Promise<IteratorResult<T> | null> =>
    new Promise((resolve, reject) => {
      const wake = (): void => resolve(null);
      waiting.add(wake);
      void items
        .next()
        .then(resolve, reject)
        .finally(() => waiting.delete(wake));
    });
  return {
    async next() {
      if (isOver || signal.aborted) return done();
      signal.addEventListener('abort', end);
      closed.addEventListener('abort', end);
      try {
        const found = closed.aborted ? null : await nextItem();
        if (closed.aborted && !isOver && !signal.aborted) throw closed.reason;
        return found === null || found.done ? done() : found;
      } catch (error) {
        done();
        throw error;
      }
    },
    async return() {
      return done();
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
