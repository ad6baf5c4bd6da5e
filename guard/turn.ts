/**
 * So long guarded calls may keep the event loop busy, in milliseconds; then it gets a turn before the next one goes on,
 * so that a kill can be read.
 */
const TURN_MS = 10;

/**
 * Lets the event loop turn now and then. Both give null where nothing is due, which is most of the time: it costs the
 * reading of a clock.
 */
export interface Turns {
  /**
   * Before a call is decided: a loop of calls that only awaits microtasks would never let Node read a socket, and so
   * never see a kill.
   */
  readonly beforeCall: () => Promise<void> | null;
  /**
   * Before code of the user's starts: of calls that were begun together, each would start after the others without one
   * turn between. Decide anew after it.
   */
  readonly beforeStart: () => Promise<void> | null;
}

export function createTurns(now: () => number): Turns {
  let last = now();
  /** When the first call came in the present turn of the event loop; null where none has. */
  let began: number | null = null;
  let armed = false;
  const deciding: Array<() => void> = [];
  const starting: Array<() => void> = [];
  /**
   * So many of those that wait to start are let go in one turn: one, since it may take long, and twice as many each
   * time while none of them has to wait again.
   */
  let atOnce = 1;
  let isFull = false;

  const turned = (): void => {
    armed = false;
    last = now();
    began = null;
    atOnce = isFull || starting.length === 0 ? 1 : 2 * atOnce;
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
      if (seen() - (began as number) < TURN_MS) return null;
      isFull = true;
      return new Promise((resolve) => starting.push(resolve));
    },
  };
}
