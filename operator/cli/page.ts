import type { Answer } from './command.ts';

/** The part of a list that is shown. */
export interface Page {
  readonly skip: number;
  readonly limit: number;
}

/** The answer of a verb that lists: `{ data, count }`, where `count` is the total. */
export function page<T>(
  all: readonly T[],
  { skip, limit }: Page,
  shown: {
    readonly none: string;
    readonly title: (total: number) => string;
    readonly text: (data: readonly T[]) => string;
  },
): Answer {
  const data = all.slice(skip, skip + limit);
  const more = all.length - skip - data.length;
  const lines = [
    all.length === 0 ? shown.none : shown.title(all.length),
    ...(data.length > 0 ? [shown.text(data)] : []),
    ...(more > 0 ? [`… and ${more} more: --skip ${skip + limit}`] : []),
  ];
  return { value: { data, count: all.length }, text: lines.join('\n') };
}
