import { has } from './foreign.ts';
import { dropped, type OpenPart, type Part } from './part.ts';
import { likeOf, type Record, refuseStranger } from './together.ts';

/** An attempt that returned an iterator, and what its caller got in place of that. */
interface Holder extends Record {
  readonly held: WeakRef<object>;
}

/** By the iterator, and by what callers got in its place: they may return that in turn. */
const holders = new WeakMap<object, Holder[]>();

interface Sharing {
  readonly open: OpenPart;
  readonly action: string;
  /** True: callers get a copy, which may differ from the iterator by now, so each call makes its own. */
  readonly isCopy?: boolean;
}

interface Made {
  readonly part: Part;
  readonly held: object;
}

const INSTEAD = 'a generator that calls its next(), or call and await its next() inside execute';

/**
 * What the caller gets in place of an iterator. Several calls may return the same one: then the rule of `holdTogether`
 * applies, because its return() ends it for all of them. An iterator without return() is not shared.
 * @throws ActionResultError
 */
export function shared(source: object, { open, action, isCopy = false }: Sharing, make: () => Made): object {
  const { origin } = open;
  const isEnded = hasReturn(source);
  const list = (isEnded ? holdersOf(source) : undefined) ?? [];
  const like = likeOf(list, origin);
  const same = isCopy ? undefined : like?.held.deref();
  if (same) return same;
  refuseStranger(list, origin, { action, instead: INSTEAD });
  const { part, held } = make();
  list.push({ origin, part, held: new WeakRef(held) });
  holders.set(held, list);
  if (isEnded) holders.set(source, list);
  dropped.register(held, part);
  return held;
}

/**
 * Records that an iterator is the same as one that is held: an iterable may return the same iterator each time.
 * @throws ActionResultError
 */
export function foundToBe(source: object, iterator: object, { open: { origin }, action }: Sharing): void {
  if (!hasReturn(source)) return;
  const list = holdersOf(source) ?? [];
  refuseStranger(list, origin, { action, instead: INSTEAD });
  list.push(...(holdersOf(iterator) ?? []));
  holders.set(source, list);
}

function holdersOf(thing: object): Holder[] | undefined {
  const list = holders.get(thing);
  const going = list?.filter(({ part }) => !part.isOver());
  if (list && going && going.length < list.length) list.splice(0, list.length, ...going);
  return list;
}

const hasReturn = (source: object): boolean => has(source, 'return');
