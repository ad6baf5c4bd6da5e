/** After this many milliseconds of guarded calls without I/O the event loop gets a turn, so that a kill can be read. */
const TURN_MS = 10;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Lets the event loop turn now and then: a loop of guarded calls that only awaits microtasks would never let Node read a socket, and so
 * never see a kill. The cost is amortised: most calls only read a clock.
 */
export function createTurns(now: () => number): () => Promise<void> | null {
  let last = now();
  return () => {
    if (now() - last < TURN_MS) return null;
    return turn().then(() => {
      last = now();
    });
  };
}
