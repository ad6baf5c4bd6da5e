/**
 * Keeps the event loop busy until it is ended, so many milliseconds a turn: long enough for what was asked of a disk in
 * one turn to be there in the next. `turns` counts them.
 */
export function busyLoop(ms: number): { readonly turns: () => number; readonly end: () => void } {
  let turns = 0;
  let ended = false;
  const turn = (): void => {
    if (ended) return;
    turns += 1;
    for (const until = performance.now() + ms; performance.now() < until; );
    setImmediate(turn);
  };
  setImmediate(turn);
  return {
    turns: () => turns,
    end: () => {
      ended = true;
    },
  };
}
