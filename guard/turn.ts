/**
 * How long guarded calls may keep the event loop busy, in milliseconds. Then the loop gets a turn before the next call
 * goes on, so that a kill can be read.
 */
const TURN_MS = 10;

/**
 * Lets the event loop turn now and then. Both return null where no turn is due, which is most of the time and costs the
 * reading of a clock.
 */
export interface Turns {
  /**
   * To be awaited before a call is decided: a loop of calls that awaits only microtasks never lets Node read a socket,
   * and so never sees a kill.
   */
  readonly beforeCall: () => Promise<void> | null;
  /**
   * To be awaited before code of the application starts, and then to decide again: calls that were made together would
   * otherwise start one after the other without a turn in between.
   */
  readonly beforeStart: () => Promise<void> | null;
}

export function createTurns(now: () => number): Turns {
  let last = now();
  /** When the first call came in this turn of the event loop; null when none has come. */
  let began: number | null = null;
  let armed = false;
  const deciding: Array<() => void> = [];
  const starting: Array<() => void> = [];
  /**
   * How many waiting starts go on in one turn: one, because it may take long; then twice as many each time, while none
   * of them has to wait again.
   */
  let atOnce = 1;
  let isFull = false;

  const turned = (): void => {
    armed = false;
    last = now();
    began = null;
    atOnce = isFull ? 1 : 2 * atOnce;
    isFull = false;
    for (const goOn of starting.splice(0, atOnce)) goOn();
    for (const goOn of deciding.splice(0)) goOn();
    if (starting.length > 0) arm();
  };
  const arm = (): void => {
    if (armed) return;
    armed = true;
    setImmediate(turned);
  };
  const seen = (): number => {
    const at = now();
    began ??= at;
    arm();
    return at;
  };

  return {
    beforeCall: () => (seen() - last < TURN_MS ? null : new Promise((resolve) => deciding.push(resolve))),
    beforeStart() {
      const at = seen();
      if (at - (began ?? at) < TURN_MS) return null;
      isFull = true;
      return new Promise((resolve) => starting.push(resolve));
    },
  };
}
