import type { HoldInner, Part } from './part.ts';

/** What a step gave, held in its turn; the last one ends the part. A `next()` that is no iterator's, as some cursors have it, gives the value itself. */
export function innerOf(given: unknown, part: Part, inner: HoldInner): unknown {
  if (typeof given !== 'object' || given === null) return given;
  if (!('done' in given || 'value' in given)) return inner(given);
  const { done, value } = given as Partial<IteratorResult<unknown>>;
  const held = inner(value);
  if (done) part.end();
  return held === value ? given : { ...given, value: held };
}
