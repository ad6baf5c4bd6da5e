import type { EventEmitter } from 'node:events';
import type { Within } from '../acting-as.ts';
import type { Giver } from '../giver.ts';

/** What a step waits for before it is asked for again: a pause, or an answer about the mode. */
export interface Wait {
  readonly until: Promise<void>;
  /** To be handed on with the next question: the answer was asked for by this very step. */
  readonly isFresh: boolean;
}

/**
 * One thing of a result that can still act after the call has returned: an iterator, a stream, a promise, a process. It
 * is in flight until `end` is called.
 */
export interface Part {
  /**
   * To be asked before each step, and the step begun in the very same turn. Null when it may begin; else what to wait
   * for, and then to ask again.
   * @param isFresh what the last wait of this step said; not given for the first question
   * @throws ActionStoppedError when the same call would no longer be allowed; what this part was opened with has then
   * been told
   */
  pass(isFresh?: boolean): Wait | null;
  /**
   * As `pass`, for what cannot wait: a pause is an ActionStoppedError too, and the step may be tried again after it.
   */
  passNow(): void;
  /** No step is taken yet: in a pause the first one will wait. @throws ActionStoppedError as `pass` */
  look(): void;
  /**
   * Takes a step as whoever gave the result, whoever asks for it: what it starts is decided as theirs, and a kill of
   * them reaches it.
   */
  within: Within;
  /** As whom to call back the code of those who ask now: a step goes on as its giver, not they. */
  asker(): Within;
  /** True where its giver acts now: in a step, or in code of theirs. */
  isGivers(): boolean;
  /** True when a step would have to wait now, or be refused. */
  isHeld(): boolean;
  /** A step is under way from now on, until `rest`. Several may be at once. */
  begin(): void;
  /** A step is over. */
  rest(): void;
  /**
   * It takes no more steps, and is out of flight as soon as none is under way; asked for a step all the same, it is in
   * flight again.
   */
  end(): void;
  /** True when it has ended, and no step is under way. */
  isOver(): boolean;
  /** As `end`, and nothing that was under way can act any more either. */
  drop(): void;
}

/**
 * Ends a part as well as it can be ended, and calls `end` when that is done. From then on nothing of it ends as if it
 * were complete, nor fails with another error than this. What it returns is called when the signal has fired: what
 * cleans up may look at that.
 */
export type Stop = (reason: Error) => (() => void) | void;

/**
 * Opens a part, of which no step is under way yet. `stop` is called once, with an ActionStoppedError, when the same
 * call would no longer be allowed. The part is kept as long as it is in flight, and `stop` with it: so `stop` holds
 * what the caller got by a WeakRef only, wherever the collector is to find what nobody uses any more.
 */
export interface OpenPart {
  (stop: Stop): Part;
  /** None for what is not handed out. */
  readonly giver?: Giver | undefined;
}

/**
 * What the caller gets for something that a held result gives in its turn: a step's value, what comes of a promise.
 * @throws ActionResultError
 */
export type HoldInner = (value: unknown) => unknown;

/** How a kind of result is held: what the caller gets in its place. @throws ActionResultError */
export type Hold<T> = (value: T, open: OpenPart, action: string, inner: HoldInner) => unknown;

/**
 * Takes a step as soon as it may begin, and gives what it gives. One that fails is the last.
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

/** The same for what cannot wait. */
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
 * What nobody can reach any more can take no further step: it is out of flight once the collector has found it. The
 * part must not hold what it is registered for.
 */
export const dropped = new FinalizationRegistry<Part>((part) => part.end());

/** Our listener is one more than whoever made this emitter reckons with: that is no leak to be warned of. */
export function makeRoom(emitter: Pick<EventEmitter, 'getMaxListeners' | 'setMaxListeners'>): void {
  const most = emitter.getMaxListeners();
  if (most > 0) emitter.setMaxListeners(most + 1);
}

const ignore = (): void => {};

/**
 * A stop is no crash: from now on an error of this emitter that nobody listens to is dropped. Whoever listens still
 * hears it.
 */
export function silence(emitter: Pick<EventEmitter, 'listeners' | 'on'>): void {
  if (!emitter.listeners('error').includes(ignore)) emitter.on('error', ignore);
}
