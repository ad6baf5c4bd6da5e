/** How many letters must be inserted, removed, replaced or swapped to turn one word into the other. */
function distance(a: string, b: string): number {
  let [before, last, row]: number[][] = [[], [], Array.from({ length: b.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= a.length; i += 1) {
    [before, last, row] = [last ?? [], row ?? [], [i]];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (before[j - 2] ?? i) + 1);
      row.push(cost);
    }
  }
  return row?.at(-1) ?? 0;
}

/** The words that were probably meant, the nearest first; none for a word of more than 50 characters. */
export function closestFew(word: string, words: readonly string[], most: number): readonly string[] {
  if (word.length > 50) return [];
  const near = words
    .filter(({ length }) => Math.abs(length - word.length) <= 3)
    .map((candidate) => [distance(word.toLowerCase(), candidate.toLowerCase()), candidate] as const)
    .filter(([steps, candidate]) => steps <= Math.max(1, Math.min(3, Math.floor(candidate.length / 3))));
  return near
    .sort(([a], [b]) => a - b)
    .slice(0, most)
    .map(([, candidate]) => candidate);
}

/** The word that was probably meant, or undefined. */
export const closest = (word: string, words: readonly string[]): string | undefined => closestFew(word, words, 1)[0];
