import { ActionResultError } from '../errors.ts';
import { isObject } from './foreign.ts';
import type { HoldInner, Part } from './part.ts';

/** The reason of a stop; undefined before one. */
export type Stopped = () => Error | undefined;

/**
 * Holds what a step returned; the last step ends the part. Some cursors have a `next()` that returns the value itself,
 * not an iterator's result.
 * @throws the reason of a stop, in place of an end that came after the stop: such an end is not complete
 */
export function innerOf(given: unknown, part: Part, inner: HoldInner, stopped: Stopped): unknown {
  if (!isObject(given)) return unless(stopped, given);
  if (!('done' in given || 'value' in given)) return unless(stopped, inner(given));
  const { done, value } = given;
  const held = inner(value);
  if (done) {
    part.end();
    unless(stopped, undefined);
  }
  return held === value ? given : { ...given, value: held };
}

/** @throws the reason of a stop, where there was one */
export function unless<T>(stopped: Stopped, given: T): T {
  const reason = stopped();
  if (reason) throw reason;
  return given;
}

/** @throws the reason of a stop, in place of an error that came after the stop */
export function orStopped<T>(stopped: Stopped, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw failed(stopped, error);
  }
}

/** The same for an async step. */
export async function asStopped<T>(stopped: Stopped, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw failed(stopped, error);
  }
}

/** A refusal stops the other parts too, but its caller gets the refusal itself. */
const failed = (stopped: Stopped, error: unknown): unknown =>
  error instanceof ActionResultError ? error : (stopped() ?? error);
