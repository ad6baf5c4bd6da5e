import { innerOf } from './given.ts';
import { dropped, type Hold, type HoldInner, type Part } from './part.ts';
import { createQueue } from './queue.ts';
import { standIn } from './stand-in.ts';

type Source = AsyncIterable<unknown> & Partial<AsyncIterator<unknown>>;

/** By which the language's own iterators give themselves. */
const GIVES_ITSELF = (async function* () {})()[Symbol.asyncIterator] as unknown as Source[typeof Symbol.asyncIterator];

/** Something with an async iterator: a generator, a database's cursor, an SDK's stream. Its own steps are looked at, and those of all that it gives when it is iterated. */
export const holdAsyncIterable: Hold<Source> = (source, open, action, inner) => {
  const part: Part = open(() => void leave(part, () => isIterator(source) && source.return?.()).catch(() => {}));
  const own = isIterator(source) ? methodsOf(source, part, inner) : undefined;
  const methods = {
    ...own,
    [Symbol.asyncIterator](this: object) {
      if (source[Symbol.asyncIterator] === GIVES_ITSELF) return this; // a closure over it would keep it from the collector
      part.look();
      const iterator = lazily(() => {
        const made = source[Symbol.asyncIterator]();
        return own && (made as object) === source ? own : made;
      });
      const held = holdAsyncIterable(iterator, open, action, inner);
      part.end();
      return held;
    },
  };
  const held = standIn(source, methods, action, 'iterate it with for await');
  dropped.register(held, part);
  return held;
};

const isIterator = (source: Source): source is Source & AsyncIterator<unknown> => typeof source.next === 'function';

function methodsOf(source: AsyncIterator<unknown>, part: Part, inner: HoldInner) {
  const queued = createQueue(part);
  const take = (step: () => unknown): Promise<never> => queued(async () => innerOf(await step(), part, inner) as never);
  const end = (value?: unknown): Promise<never> =>
    leave(part, () => source.return?.(value) ?? { done: true, value }) as Promise<never>;
  return {
    next: (...args: [] | [unknown]) => take(() => source.next(...args)),
    throw: (error: unknown) => take(() => (source.throw ? source.throw(error) : Promise.reject(error as Error))),
    return: end,
    [Symbol.asyncDispose]: async () => void (await end()),
  };
}

/** Cleaning up is never refused, and the last thing that is done; a step that is under way ends first. */
async function leave<T>(part: Part, work: () => T): Promise<Awaited<T>> {
  part.begin();
  try {
    return await work();
  } finally {
    part.end();
    part.rest();
  }
}

/** An iterator that is made with its first step, since making it may be one. */
function lazily(make: () => AsyncIterator<unknown>): Source {
  let made: AsyncIterator<unknown> | undefined;
  const iterator = (): AsyncIterator<unknown> => {
    made ??= make();
    return made;
  };
  return {
    next: (...args: [] | [unknown]) => iterator().next(...args),
    throw: (error: unknown) => iterator().throw?.(error) ?? Promise.reject(error as Error),
    return: async (value?: unknown) => (await made?.return?.(value)) ?? { done: true, value },
    [Symbol.asyncIterator]: GIVES_ITSELF,
  };
}
