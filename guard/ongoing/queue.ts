import { type Part, passed } from './part.ts';

/** Takes steps one after the other. The switch is checked when a step begins, not when it was asked for. */
export function createQueue(part: Part): <T>(step: () => T) => Promise<Awaited<T>> {
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  return (step) => {
    const taken = waiting > 0 ? last.then(() => passed(part, step)) : passed(part, step);
    waiting += 1;
    const over = (): void => {
      waiting -= 1;
    };
    last = taken.then(over, over);
    return taken;
  };
}
