/** The first of each list, then the second of each, and so on: at most `most`. */
export function byTurns<T>(lists: readonly (readonly T[])[], most = Number.POSITIVE_INFINITY): T[] {
  const taken: T[] = [];
  let left = lists;
  for (let turn = 0; left.length > 0 && taken.length < most; turn += 1) {
    taken.push(...left.flatMap((list) => list.slice(turn, turn + 1)));
    left = left.filter((list) => list.length > turn + 1);
  }
  return taken.slice(0, most);
}
