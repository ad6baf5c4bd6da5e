/** One thing of a result that can still act after the call has returned: an iterator, a stream, a promise, a process. It is in flight until `end` is called. */
export interface Part {
  /**
   * To be asked before each step, and the step begun in the very same turn. Null when it may begin; a promise while the switch is paused: ask again when
   * that resolves. @throws ActionStoppedError when the same call would no longer be allowed; what this part was opened with has then been told
   */
  pass(): Promise<void> | null;
  /** As `pass`, for what cannot wait: a pause is an ActionStoppedError too, and the step may be tried again after it. */
  passNow(): void;
  /** A step is over, and nothing runs until the next one. */
  rest(): void;
  /** It can act no more. Called more than once it changes nothing. */
  end(): void;
}

/**
 * Opens a part. `stop` is called once, with an ActionStoppedError, when the same call would no longer be allowed: it ends the part as well as it can, and
 * calls `end` when that is done.
 */
export type OpenPart = (stop: (reason: Error) => void) => Part;

/** How a kind of result is held: what the caller gets in its place. @throws ActionResultError */
export type Hold<T> = (value: T, open: OpenPart, action: string) => unknown;

/** Begins a step when it may begin: at once, or after a pause. `refused` hears why it never does. */
export function whenPassed(part: Part, step: () => void, refused: (error: Error) => void): void {
  try {
    const wait = part.pass();
    if (wait) wait.then(() => whenPassed(part, step, refused), refused);
    else step();
  } catch (error) {
    refused(error as Error);
  }
}

/** The same for whoever can wait: gives what the step gives. @throws ActionStoppedError */
export async function passed<T>(part: Part, step: () => T): Promise<Awaited<T>> {
  for (let wait = part.pass(); wait; wait = part.pass()) await wait;
  return await step();
}
