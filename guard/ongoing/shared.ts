import { dropped, type OpenPart, type Part } from './part.ts';
import { likeOf, type Record, refuseStranger } from './together.ts';

/** One who has given something, and what the caller got in its place. */
interface Holder extends Record {
  readonly held: WeakRef<object>;
}

/** By what was given, and by what callers got in its place: that may be given in its turn. */
const holders = new WeakMap<object, Holder[]>();

interface Sharing {
  readonly open: OpenPart;
  readonly action: string;
  /** What the caller gets is a copy, which may not be as the thing is now: each call makes its own. */
  readonly isCopy?: boolean;
}

interface Made {
  readonly part: Part;
  readonly held: object;
}

const INSTEAD =
  'a generator that takes steps of it with next(), or do inside execute what is to be done with it (await its next())';

/**
 * What the caller gets in place of an iterator, which more than one call may give: by the rule of `holdTogether`, since
 * its return() ends it for whoever has it. One without ends for nobody else.
 * @throws ActionResultError
 */
export function shared(source: object, { open, action, isCopy = false }: Sharing, make: () => Made): object {
  const { giver } = open;
  const isEnded = hasReturn(source);
  const list = (isEnded ? holdersOf(source) : undefined) ?? [];
  const like = likeOf(list, giver);
  const same = isCopy ? undefined : like?.held.deref();
  if (same) return same;
  refuseStranger(list, giver, { action, instead: INSTEAD });
  const { part, held } = make();
  list.push({ giver, part, held: new WeakRef(held) });
  holders.set(held, list);
  if (isEnded) holders.set(source, list);
  dropped.register(held, part);
  return held;
}

/**
 * What was found to be the same as something that is held: the iterator that an iterable gives each time.
 * @throws ActionResultError
 */
export function foundToBe(source: object, iterator: object, { open: { giver }, action }: Sharing): void {
  if (!hasReturn(source)) return;
  const list = holdersOf(source) ?? [];
  refuseStranger(list, giver, { action, instead: INSTEAD });
  list.push(...(holdersOf(iterator) ?? []));
  holders.set(source, list);
}

function holdersOf(thing: object): Holder[] | undefined {
  const list = holders.get(thing);
  const going = list?.filter(({ part }) => !part.isOver());
  if (list && going && going.length < list.length) list.splice(0, list.length, ...going);
  return list;
}

function hasReturn(source: object): boolean {
  try {
    return typeof (source as Partial<Iterator<unknown>>).return === 'function';
  } catch {
    return false;
  }
}
