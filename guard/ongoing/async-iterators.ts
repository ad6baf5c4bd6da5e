import { types } from 'node:util';
import { asStopped, innerOf, type Stopped } from './given.ts';
import { dropped, type Hold, type HoldInner, type OpenPart, type Part } from './part.ts';
import { handedOut } from './promises.ts';
import { createQueue } from './queue.ts';
import { foundToBe, shared } from './shared.ts';
import { standIn } from './stand-in.ts';

/** What its methods give is whatever its author thought of. */
interface Steps {
  next(...args: [] | [unknown]): unknown;
  throw?(error: unknown): unknown;
  return?(value?: unknown): unknown;
}

interface Source extends Partial<Steps> {
  [Symbol.asyncIterator](): Steps;
}

/** The language's own method by which an async iterator returns itself. */
const GIVES_ITSELF: Source[typeof Symbol.asyncIterator] = (async function* () {})()[Symbol.asyncIterator];

/**
 * Holds something with an async iterator: a generator, a database's cursor, an SDK's stream. The switch is checked
 * before each of its steps, and before those of every iterator that it makes.
 */
export const holdAsyncIterable: Hold<Source> = (source, open, action, inner) => {
  if (isIterator(source)) return shared(source, { open, action }, () => heldBy(source, open, action, inner));
  const { part, held } = heldBy(source, open, action, inner);
  dropped.register(held, part);
  return held;
};

function heldBy(source: Source, open: OpenPart, action: string, inner: HoldInner) {
  let reason: Error | undefined;
  const part: Part = open((why) => {
    reason = why;
    return () => void leave(part, () => isIterator(source) && source.return?.()).catch(() => {});
  });
  const own = isIterator(source) ? methodsOf(source, { part, inner, stopped: () => reason }) : undefined;
  const methods = {
    ...own,
    [Symbol.asyncIterator](this: object) {
      // `this`, because a closure over the stand-in would keep it from being collected
      if (source[Symbol.asyncIterator] === GIVES_ITSELF) return this;
      part.look();
      const iterator: Source = lazily(() => {
        const made = source[Symbol.asyncIterator]();
        if (own && made === source) return own;
        foundToBe(made, iterator, { open, action });
        return made;
      });
      const held = holdAsyncIterable(iterator, open, action, inner);
      part.end();
      return held;
    },
  };
  return { part, held: standIn(source, methods, action, 'iterate it with for await') };
}

const isIterator = (source: Source): source is Source & Steps => typeof source.next === 'function';

interface How {
  readonly part: Part;
  readonly inner: HoldInner;
  readonly stopped: Stopped;
}

function methodsOf(source: Steps, { part, inner, stopped }: How) {
  const queued = createQueue(part);
  /** Settles when every step that was asked for has ended. */
  let asked: Promise<unknown> | undefined;
  /** Settles when the return() that was asked for has ended; later steps wait for it. */
  let ending: Promise<unknown> | undefined;
  const take = (step: () => unknown): Promise<unknown> => {
    const begin = (): Promise<unknown> =>
      queued(() => asStopped(stopped, async () => innerOf(await step(), part, inner, stopped)));
    const taken = ending ? ending.then(begin) : begin();
    asked = taken.catch(() => {});
    return handedOut(taken);
  };
  const end = (value?: unknown): Promise<unknown> => {
    const work = (): Promise<unknown> =>
      asStopped(stopped, () => leave(part, () => source.return?.(value) ?? { done: true, value }));
    const ended = asked ? inOrder(source, asked).then(work) : work();
    ending = ended.catch(() => {});
    return handedOut(ended);
  };
  return {
    next: (...args: [] | [unknown]) => take(() => source.next(...args)),
    throw: (error: unknown) => take(() => (source.throw ? source.throw(error) : rejected(error))),
    return: end,
    [Symbol.asyncDispose]: async () => void (await end()),
  };
}

/**
 * Resolves when return() may be called. A generator takes it after all earlier steps, so those are awaited. Any other
 * iterator may need return() to end a step that hangs, so they are not.
 */
async function inOrder(source: Steps, asked: Promise<unknown>): Promise<void> {
  const behind = lazy.get(source);
  if (behind) await Promise.race([behind.ready, asked]);
  if (types.isGeneratorObject(behind ? behind.made : source)) await asked;
}

/** Cleans up: never refused, and the last step. A step that is under way ends first. */
async function leave<T>(part: Part, work: () => T): Promise<Awaited<T>> {
  part.begin();
  try {
    return await part.within(work);
  } finally {
    part.end();
    part.rest();
  }
}

const rejected = async (error: unknown): Promise<never> => {
  throw error;
};

interface Lazy {
  made: Steps | undefined;
  /** Resolves when the iterator has been made. */
  readonly ready: Promise<void>;
}

/** A map, because whoever gets the iterator could read its members. */
const lazy = new WeakMap<object, Lazy>();

/** An iterator that is made at its first step, because making it may already act. */
function lazily(make: () => Steps): Source {
  let isReady = (): void => {};
  const ready = new Promise<void>((resolve) => {
    isReady = resolve;
  });
  const state: Lazy = { made: undefined, ready };
  const iterator = (): Steps => {
    state.made ??= make();
    isReady();
    return state.made;
  };
  const source: Source = {
    next: (...args: [] | [unknown]) => iterator().next(...args),
    throw: (error: unknown) => iterator().throw?.(error) ?? rejected(error),
    return: async (value?: unknown) => (await state.made?.return?.(value)) ?? { done: true, value },
    [Symbol.asyncIterator]: GIVES_ITSELF,
  };
  lazy.set(source, state);
  return source;
}
