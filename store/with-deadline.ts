import { KillSwitchError } from '../flags/index.ts';

/**
 * So many turns of the event loop may still bring what `work` waits for when its time is over: where they are long, it
 * may all have been there, and nobody have looked.
 */
const TURNS = 4;

/**
 * Settles as `work` does, or rejects with what `late` makes after `ms` milliseconds and a few turns of the event loop;
 * what `work` does later is ignored.
 */
export async function within<T>(work: Promise<T>, ms: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let turn: NodeJS.Immediate | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    const turned = (left: number): void => {
      if (left === 0) reject(late());
      else turn = setImmediate(turned, left - 1);
    };
    timer = setTimeout(turned, ms, TURNS);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
    clearImmediate(turn);
    work.catch(() => {}); // a rejection that comes after the deadline belongs to nobody
  }
}

/** As `within`, for a request to a store: rejects with STORE_UNREACHABLE. */
export const withDeadline = <T>(work: Promise<T>, ms: number, what: string): Promise<T> =>
  within(
    work,
    ms,
    () => new KillSwitchError('STORE_UNREACHABLE', `The store did not answer (${what}) within ${ms} ms.`),
  );
