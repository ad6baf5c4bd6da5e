import { finished } from 'node:stream';
import { onAbort } from '../on-abort.ts';
import { asStopped, type Stopped, unless } from './given.ts';
import type { EndPart } from './part.ts';
import type { Together } from './together.ts';
import {
  openReadable,
  type ReadableInside,
  type ReadInside,
  untilRead,
  untilSet,
  type WritableInside,
  type WriteInside,
} from './web-insides.ts';

/** The members of a part that steps use. */
export type StepPart = Pick<Together, 'pass' | 'within' | 'begin' | 'rest' | 'end'>;

/**
 * How the pull of a TransformStream looks. It only makes room for a piece and ends when one is written, so never once
 * the stream is over. From Node 24 on it returns no promise but this mark, and Node sets `pulling` itself when the pull
 * has ended.
 */
const OF_TRANSFORMATION: { readonly text?: string; readonly mark?: unknown } = (() => {
  try {
    const { pullAlgorithm } = openReadable(new TransformStream().readable, '').own;
    const given = pullAlgorithm?.(undefined);
    return { text: String(pullAlgorithm), mark: typeof given === 'symbol' ? given : undefined };
  } catch {
    return {}; // then the trial (web-trial.ts) fails too
  }
})();

interface Reads {
  readonly outer: ReadableInside;
  readonly own: ReadInside;
}

/** Checks the switch before each pull of an open stream from its source. Returns the function that stops it. */
export function holdReads(stream: ReadableStream, { outer, own }: Reads, part: StepPart): EndPart {
  const { pullAlgorithm: pull, cancelAlgorithm: cancel } = own;
  const onlyWaits = String(pull) === OF_TRANSFORMATION.text;
  /**
   * Resolves when Node reads its stream again after it was cancelled, or failed by us: by then the pull has ended or
   * failed.
   */
  const { promise: unread, resolve: isUnread } = deferred();
  const { promise: over, resolve: isOver } = deferred();
  if (onlyWaits) whenOver(stream, isOver);

  let isFailed = false;
  let unsaid: Promise<void> | undefined;
  const untilSaid = (): Promise<void> => {
    const said = Promise.race([
      untilSet(own, 'pulling'),
      untilFailed(stream).then(() => (isFailed ? unread : undefined)),
      unread,
    ]).then(() => {
      if (unsaid === said) unsaid = undefined; // the next pull may have begun by now
    });
    unsaid = said;
    return said;
  };
  own.pullAlgorithm = async (given) => {
    let saysItself = false;
    const step = async (): Promise<void> => {
      const result = pull?.(given);
      saysItself = OF_TRANSFORMATION.mark !== undefined && result === OF_TRANSFORMATION.mark;
      const said = saysItself ? (onlyWaits ? untilSet(own, 'pulling') : untilSaid()) : result;
      await (onlyWaits ? Promise.race([said, over]) : said);
    };
    await take(part, step, () => !own.pullAlgorithm);
    if (saysItself) await new Promise(() => {}); // resolving too would end the next pull
  };

  let cancelled: Promise<void> | undefined;
  const leaveOnce = (reason: unknown): Promise<void> => {
    cancelled ??= leave(part, () => cancel?.(reason)).finally(isOver);
    return cancelled;
  };
  own.cancelAlgorithm = (reason) => {
    if (unsaid) void untilRead(own, 'stream').then(isUnread);
    return leaveOnce(reason);
  };

  // A pull that began before the stream was returned.
  if (own.pulling && !onlyWaits) count(part, untilSaid());
  return (reason) => {
    const isOpen = own.cancelAlgorithm !== undefined;
    isFailed = isOpen;
    // not where it is over: Node would read its stream, as if a step had ended
    if (isOpen) outer.controller.error(reason);
    seal(outer.controller);
    if (unsaid && isOpen) void untilRead(own, 'stream').then(isUnread);
    return () => {
      if (isOpen) leaveOnce(reason).catch(() => {});
    };
  };
}

/**
 * A source that listens to its signal may close the stream, which has failed by then: that must not throw at the
 * source.
 */
function seal(controller: object): void {
  const nothing = { value: () => {}, configurable: true };
  Object.defineProperties(controller, {
    close: nothing,
    enqueue: nothing,
    error: nothing,
    desiredSize: { value: null, configurable: true },
  });
}

interface Writes {
  readonly outer: WritableInside;
  readonly own: WriteInside;
}

/** The same for the writes to a stream, and its close. */
export function holdWrites(stream: WritableStream, { outer, own }: Writes, part: StepPart): EndPart {
  for (const key of WRITES_UNDER_WAY) if (outer[key].promise !== undefined) count(part, untilSet(outer, key));
  const { writeAlgorithm: write, closeAlgorithm: close, abortAlgorithm: abort } = own;
  let reason: Error | undefined;
  const stopped: Stopped = () => reason;
  if (write) {
    const { signal } = outer.controller;
    const isOver = (): boolean => signal.aborted;
    own.writeAlgorithm = (piece, given) =>
      asStopped(stopped, () => take(part, () => write(piece, given), isOver, signal));
    own.closeAlgorithm = () =>
      asStopped(stopped, async () => unless(stopped, await take(part, () => close?.(), isOver, signal)));
    own.abortAlgorithm = (why) => leave(part, () => abort?.(why));
  }
  return (why) => {
    reason = why;
    (outer.writer ?? stream).abort(why).catch(() => {});
  };
}

const WRITES_UNDER_WAY = ['inFlightWriteRequest', 'inFlightCloseRequest'] as const;

/** Whether the stream can still write anything. */
export const isWritten = ({ outer, own }: Writes): boolean =>
  own.writeAlgorithm !== undefined || WRITES_UNDER_WAY.some((key) => outer[key].promise !== undefined);

/** Takes a step as soon as it may begin, unless the stream has ended by then. @throws ActionStoppedError */
async function take(part: StepPart, step: () => unknown, isOver: () => boolean, signal?: AbortSignal): Promise<void> {
  for (let wait = part.pass(); wait; wait = part.pass(wait.isFresh)) {
    await (signal ? orAborted(wait.until, signal) : wait.until);
    if (!isOver()) continue;
    signal?.throwIfAborted();
    return;
  }
  part.begin();
  try {
    await part.within(step);
  } finally {
    part.rest();
  }
}

/** Cleans up: never refused, and the last step. */
async function leave(part: StepPart, work: () => unknown): Promise<void> {
  part.begin();
  try {
    await part.within(work);
  } finally {
    part.end();
    part.rest();
  }
}

function count(part: StepPart, underWay: Promise<void>): void {
  part.begin();
  void underWay.then(() => part.rest());
}

const untilFailed = (stream: ReadableStream): Promise<void> =>
  new Promise((resolve) => whenOver(stream, (error) => error !== undefined && resolve()));

/** Unsubscribes again: a stream may wait before each of its pieces. */
async function orAborted(until: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, resolve } = deferred();
  const unsubscribe = onAbort(signal, resolve);
  await Promise.race([until, aborted]).finally(unsubscribe);
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

export const whenOver = (stream: object, then: (error?: unknown) => void): void =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- web streams too, though its types say no
  void finished(stream as NodeJS.ReadableStream, then);
