import stringWidth from 'string-width';

const segmenter = new Intl.Segmenter();

/** How many columns of a terminal a text takes: two for a wide character, none for a mark over another one. */
export const width = (text: string): number => stringWidth(text);

/**
 * The text in at most `columns` (at least 1), with `…` where something is missing; no character is cut into its parts.
 * `middle`: for ids, which more often differ at their ends than in between.
 */
export function cut(text: string, columns: number, where: 'end' | 'middle' = 'end'): string {
  if (text.length <= columns * 0.5 || width(text) <= columns) return text;
  const tail = where === 'middle' ? Math.floor((columns - 1) / 3) : 0;
  const parts = Array.from(segmenter.segment(text), ({ segment }) => segment);
  const begin = asMany(parts, columns - 1 - tail);
  const end = asMany(parts.reverse(), tail).reverse();
  return `${begin.join('')}…${end.join('')}`;
}

/** The first parts that fit into so many columns. */
function asMany(parts: readonly string[], columns: number): string[] {
  let left = columns;
  const end = parts.findIndex((part) => {
    left -= width(part);
    return left < 0;
  });
  return parts.slice(0, end < 0 ? undefined : end);
}

/**
 * The widths that columns get of a line of `columns`: `natural` where they fit, else the widest ones give way first,
 * each down to what it needs at `least`.
 */
export function share(columns: number, natural: readonly number[], least: readonly number[]): number[] {
  const capped = (cap: number): number[] => natural.map((wide, at) => Math.min(wide, Math.max(cap, least[at] ?? 0)));
  const sum = (widths: readonly number[]): number => widths.reduce((total, each) => total + each, 0);
  let [low, high] = [0, Math.max(0, ...natural)];
  while (low < high) {
    const cap = Math.ceil((low + high) / 2);
    if (sum(capped(cap)) <= columns) low = cap;
    else high = cap - 1;
  }
  const widths = capped(low);
  // What is left over is not enough for all of the widest ones: the first ones get it.
  let rest = columns - sum(widths);
  return widths.map((each, at) => {
    if (rest <= 0 || each >= (natural[at] ?? 0)) return each;
    rest -= 1;
    return each + 1;
  });
}
