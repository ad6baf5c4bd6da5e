import { ActionResultError } from '../errors.ts';
import type { Within } from '../acting-as.ts';
import { type Origin, isHandedTo, isLike, lead, shownOrigin } from '../origin.ts';
import type { EndPart, OpenPart, Part, Wait } from './part.ts';

/** The held things that stay the same object, by that object. */
const given = new WeakMap<object, Together>();

/** How a thing is held and stopped. */
export interface HoldTogether {
  readonly open: OpenPart;
  readonly stop: EndPart;
  readonly action: string;
}

/**
 * Opens a part for a thing that stays the same object. Several calls may return it. Calls that every stop reaches
 * together share one part, so the thousandth costs what the second does. Where a stop of one call would end the thing
 * for another call that goes on, it is refused.
 * @returns undefined when the thing is held already
 * @throws ActionResultError
 */
export function holdTogether(thing: object, { open, stop, action }: HoldTogether): Together | undefined {
  const { origin } = open;
  const before = given.get(thing);
  if (before?.isShownTo(origin, action)) return undefined;
  const together = before ?? new Together();
  together.add(origin, open(stop));
  given.set(thing, together);
  return before ? undefined : together;
}

export interface Record {
  readonly origin: Origin | undefined;
  readonly part: Part;
}

/** The record of an attempt that every stop of `origin` stops too; it leads `origin` from now on. */
export function likeOf<T extends Record>(records: readonly T[], origin: Origin | undefined): T | undefined {
  const like = records.find(({ origin: other }) => origin && other && isLike(origin, other));
  if (origin && like?.origin) lead(like.origin, origin);
  return like;
}

/** The action that must not return the thing, and what it could return instead. */
interface RefusedResult {
  readonly action: string;
  readonly instead: string;
}

/** @throws ActionResultError where the thing was returned before by an attempt that did not work for this one */
export function refuseStranger(
  records: readonly Record[],
  origin: Origin | undefined,
  { action, instead }: RefusedResult,
): void {
  const stranger = records.find(({ origin: other }) => !origin || !other || !isHandedTo(origin, other));
  if (!stranger) return;
  const who = stranger.origin ? ` (${shownOrigin(stranger.origin)})` : '';
  throw new ActionResultError(
    action,
    `was returned by another call${who} before and still goes on: a stop of one would end it for both. Return something of this call's own, such as ${instead}`,
  );
}

/** The parts of all attempts that returned the same thing: a step of it is a step of each part. */
export class Together implements Omit<Part, 'passNow' | 'look' | 'isOver'> {
  #records: Record[] = [];
  #steps = 0;
  #isOver = false;

  /**
   * True when an equal attempt has returned it already. @throws ActionResultError when this attempt may not return it
   */
  isShownTo(origin: Origin | undefined, action: string): boolean {
    if (this.#hasEnded()) return false;
    const like = likeOf(this.#records, origin);
    if (like) return true;
    refuseStranger(this.#records, origin, {
      action,
      instead: 'a PassThrough that is piped into it, or finish using it inside execute',
    });
    return false;
  }

  add(origin: Origin | undefined, part: Part): void {
    if (this.#hasEnded()) this.#records = []; // for instance a socket that has connected again
    this.#isOver = false;
    this.#records.push({ origin, part });
    for (let step = 0; step < this.#steps; step += 1) part.begin();
  }

  /** Asks all parts in the same turn. */
  pass(isFresh?: boolean): Wait | null {
    const waits: Wait[] = [];
    for (const { part } of this.#records) {
      const wait = part.pass(isFresh);
      if (wait) waits.push(wait);
    }
    if (waits.length <= 1) return waits[0] ?? null;
    const until = Promise.all(waits.map((wait) => wait.until)).then(() => {});
    return { until, isFresh: waits.every((wait) => wait.isFresh) };
  }

  /**
   * Under the identity of the first attempt, the innermost. Each switch has identities of its own, so the step runs
   * under the first identity of each.
   */
  within<Result>(step: () => Result): Result {
    return this.#records.reduce<() => Result>(
      (taken, { part }) =>
        () =>
          part.within(taken),
      step,
    )();
  }

  asker(): Within {
    const [first, ...others] = this.#records.map(({ part }): Within => part.asker());
    const itself: Within = (work) => work();
    return others.reduce(
      (inner, asker): Within =>
        (work) =>
          asker(() => inner(work)),
      first ?? itself,
    );
  }

  isOrigins(): boolean {
    return this.#records.every(({ part }) => part.isOrigins());
  }

  isHeld(): boolean {
    return this.#records.some(({ part }) => part.isHeld());
  }

  #hasEnded(): boolean {
    return this.#isOver && this.#steps === 0;
  }

  begin(): void {
    this.#isOver = false;
    this.#steps += 1;
    for (const { part } of this.#records) part.begin();
  }

  rest(): void {
    if (this.#steps > 0) this.#steps -= 1;
    for (const { part } of this.#records) part.rest();
  }

  end(): void {
    this.#isOver = true;
    for (const { part } of this.#records) part.end();
  }

  drop(): void {
    this.#steps = 0;
    this.#isOver = true;
    for (const { part } of this.#records) part.drop();
  }
}
