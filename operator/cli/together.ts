import { type Acknowledgements, type ExecutorAcknowledgement, executorKey, type RunningWork } from '../acknowledge.ts';
import type { ShownExecutor, Shown } from './heard.ts';

/** From who has obeyed to who is furthest from it. */
const ORDER = ['stopped', 'draining', 'behind', 'silent'];

/** The rows of both; what is in both, as often as it is in the one that has it more often. */
function union(one: readonly RunningWork[], other: readonly RunningWork[]): RunningWork[] {
  const left = one.map((row) => JSON.stringify(row));
  const more = other.filter((row) => {
    const at = left.indexOf(JSON.stringify(row));
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  return [...one, ...more];
}

/** What is furthest behind of two, with all the work that either has reached. */
function both(one: ExecutorAcknowledgement, other: ExecutorAcknowledgement): ExecutorAcknowledgement {
  const work = union(one.work, other.work);
  const draining = Math.max(one.draining, other.draining, work.filter((row) => row.draining).length);
  const further = ORDER.indexOf(other.state) > ORDER.indexOf(one.state) ? other : one;
  return { ...further, work, draining, over: one.over && other.over };
}

/** The acknowledgements of several stops as one: of each executor the one that is furthest behind. */
export function together([first, ...others]: readonly Acknowledgements[]): Acknowledgements | null {
  if (!first || others.length === 0) return first ?? null;
  const all = [first, ...others];
  const furthest = new Map<string, ExecutorAcknowledgement>();
  for (const executor of all.flatMap(({ executors }) => executors)) {
    const key = executorKey(executor);
    const before = furthest.get(key);
    furthest.set(key, before ? both(before, executor) : executor);
  }
  const executors = [...furthest.values()];
  const amount = (...states: string[]): number => executors.filter(({ state }) => states.includes(state)).length;
  const problem = all.find((each) => each.problem !== undefined)?.problem;
  return {
    ...first,
    total: executors.length,
    applied: amount('stopped', 'draining'),
    drained: amount('stopped'),
    silent: amount('silent'),
    elapsed_ms: Math.max(...all.map(({ elapsed_ms }) => elapsed_ms)),
    executors,
    ...(problem !== undefined && { problem }),
  };
}

/** When each executor was first seen stopped, in milliseconds after the recording. */
export class StoppedAfter {
  readonly #after = new Map<string, number>();

  look({ executors, elapsed_ms }: Acknowledgements): void {
    for (const executor of executors) {
      const key = executorKey(executor);
      if (executor.state !== 'stopped') this.#after.delete(key);
      else if (!this.#after.has(key)) this.#after.set(key, elapsed_ms);
    }
  }

  shown(acknowledgements: Acknowledgements): Shown {
    const { elapsed_ms } = acknowledgements;
    const shown = (executor: ExecutorAcknowledgement): ShownExecutor => ({
      ...executor,
      stopped_after_ms: executor.state === 'stopped' ? (this.#after.get(executorKey(executor)) ?? elapsed_ms) : null,
    });
    return { ...acknowledgements, executors: acknowledgements.executors.map(shown) };
  }
}
