import type { EventEmitter } from 'node:events';
import type { Within } from '../acting-as.ts';
import type { Origin } from '../origin.ts';

/** What a step waits for before it asks again: the end of a pause, or an evaluation of the mode. */
export interface Wait {
  readonly until: Promise<void>;
  /** Pass it to the next `pass`: true when the mode has just been evaluated for this step. */
  readonly isFresh: boolean;
}

/**
 * One part of a result that can still act after the call has returned: an iterator, a stream, a promise, a process. It
 * is in flight until `end` is called.
 */
export interface Part {
  /**
   * Ask it before each step, and begin the step in the same turn. Null when the step may begin; else what to wait for
   * before asking again.
   * @param isFresh what the last `Wait` of this step said; absent when the step asks for the first time
   * @throws ActionStoppedError when the same call would no longer be allowed; the `stop` of this part has been called
   * then
   */
  pass(isFresh?: boolean): Wait | null;
  /**
   * As `pass`, for a step that cannot wait: in a pause it throws ActionStoppedError too, and the step may be tried
   * again later.
   */
  passNow(): void;
  /** Checks without taking a step; a pause is no error. @throws ActionStoppedError as `pass` */
  look(): void;
  /**
   * Takes a step under the identity of the call that returned the result, whoever asks for it: a kill of that identity
   * reaches what the step starts.
   */
  within: Within;
  /** The identity of the code that asks now, for calling it back: the step itself runs as the result's attempt. */
  asker(): Within;
  /** True where the code that runs now has the identity of the attempt that returned the result. */
  isOrigins(): boolean;
  /** True when a step would wait or be refused now. */
  isHeld(): boolean;
  /** A step is under way from now on, until `rest`. There may be several at once. */
  begin(): void;
  /** A step is over. */
  rest(): void;
  /**
   * No more steps are expected: it leaves the count as soon as none is under way. If a step is asked for all the same,
   * it is in flight again.
   */
  end(): void;
  /** True when it has ended, and no step is under way. */
  isOver(): boolean;
  /** As `end`, and steps that were under way can act no more either. */
  drop(): void;
}

/**
 * Ends a part as far as possible, and calls `end` when that is done. Afterwards no step of it may look complete or fail
 * with another error than `reason`. The returned function is called after the signal has fired, because clean-up code
 * may look at the signal.
 */
export type EndPart = (reason: Error) => (() => void) | void;

/**
 * Opens a part with no step under way. `stop` is called once, with an ActionStoppedError, when the same call would no
 * longer be allowed. The guard holds the part and `stop` while the part is in flight: so where unused results are to be
 * collected, `stop` refers to what the caller got only by a WeakRef.
 */
export interface OpenPart {
  (stop: EndPart): Part;
  /** The attempt that returned the result; absent for something that is not handed out. */
  readonly origin?: Origin | undefined;
}

/**
 * Holds what a held result gives: the value of a step or of a promise.
 * @throws ActionResultError
 */
export type HoldInner = (value: unknown) => unknown;

/** Holds one kind of result; returns what the caller gets in its place. @throws ActionResultError */
export type Hold<T> = (value: T, open: OpenPart, action: string, inner: HoldInner) => unknown;

/**
 * Takes a step as soon as it may begin, and returns its result. A step that fails ends the part.
 * @throws ActionStoppedError
 */
export async function passed<T>(part: Part, step: () => T): Promise<Awaited<T>> {
  for (let wait = part.pass(); wait; wait = part.pass(wait.isFresh)) await wait.until;
  part.begin();
  try {
    return await part.within(step);
  } catch (error) {
    part.end();
    throw error;
  } finally {
    part.rest();
  }
}

/** The same for a step that cannot wait. */
export function passedNow<T>(part: Part, step: () => T): T {
  part.passNow();
  part.begin();
  try {
    return part.within(step);
  } catch (error) {
    part.end();
    throw error;
  } finally {
    part.rest();
  }
}

/**
 * Ends the part of something that has been garbage-collected: it can take no further step. The part must not refer to
 * the thing that it is registered for.
 */
export const dropped = new FinalizationRegistry<Part>((part) => part.end());

/** Raises the limit of an emitter by one, for our listener: Node would warn of a leak. */
export function makeRoom(emitter: Pick<EventEmitter, 'getMaxListeners' | 'setMaxListeners'>): void {
  const most = emitter.getMaxListeners();
  if (most > 0) emitter.setMaxListeners(most + 1);
}

const ignore = (): void => {};

/**
 * A stop is no crash: from now on an `error` without a listener is dropped. Listeners of the application still get it.
 */
export function silence(emitter: Pick<EventEmitter, 'listeners' | 'on'>): void {
  if (!emitter.listeners('error').includes(ignore)) emitter.on('error', ignore);
}
