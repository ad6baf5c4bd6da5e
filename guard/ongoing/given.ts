import { ActionResultError } from '../errors.ts';
import type { HoldInner, Part } from './part.ts';

/** Why it was stopped, once it was. */
export type Stopped = () => Error | undefined;

/**
 * What a step gave, held in its turn; the last one ends the part. A `next()` that is no iterator's, as some cursors
 * have it, gives the value itself.
 * @throws what it was stopped by, in place of an end that came after that: it is none. What a `next()` of its own gives
 * then may be one.
 */
export function innerOf(given: unknown, part: Part, inner: HoldInner, stopped: Stopped): unknown {
  if (typeof given !== 'object' || given === null) return unless(stopped, given);
  if (!('done' in given || 'value' in given)) return unless(stopped, inner(given));
  const { done, value } = given as Partial<IteratorResult<unknown>>;
  const held = inner(value);
  if (done) {
    part.end();
    unless(stopped, undefined);
  }
  return held === value ? given : { ...given, value: held };
}

/** @throws what it was stopped by */
export function unless<T>(stopped: Stopped, given: T): T {
  const reason = stopped();
  if (reason) throw reason;
  return given;
}

/** @throws what it was stopped by, in place of what it fails with after that */
export function orStopped<T>(stopped: Stopped, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw failed(stopped, error);
  }
}

/** The same for what has to be awaited. */
export async function asStopped<T>(stopped: Stopped, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw failed(stopped, error);
  }
}

/** A refusal stops what stands beside what is refused: whoever asked hears of that itself. */
const failed = (stopped: Stopped, error: unknown): unknown =>
  error instanceof ActionResultError ? error : (stopped() ?? error);
