import { KillSwitchError } from '../flags/index.ts';

/**
 * How many turns of the event loop `work` still gets when its time is over. In a busy process the answer may have
 * arrived long ago, and only waits to be read.
 */
const TURNS = 4;

/**
 * Settles as `work` does, or rejects with the error that `late` makes, after `ms` milliseconds and a few turns of the
 * event loop. What `work` does later is ignored.
 */
export function within<T>(work: Promise<T>, ms: number, late: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let turn: NodeJS.Immediate | undefined;
    const turned = (left: number): void => {
      if (left === 0) reject(late());
      else turn = setImmediate(turned, left - 1);
    };
    const timer = setTimeout(turned, ms, TURNS);
    const settled = (): void => {
      clearTimeout(timer);
      clearImmediate(turn);
    };
    work.then(
      (value) => {
        settled();
        resolve(value);
      },
      (error: unknown) => {
        settled();
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- as `work` was rejected
        reject(error);
      },
    );
  });
}

/** As `within`, for a request to a store: rejects with STORE_UNREACHABLE. */
export const withDeadline = <T>(work: Promise<T>, ms: number, what: string): Promise<T> =>
  within(
    work,
    ms,
    () => new KillSwitchError('STORE_UNREACHABLE', `The store did not answer (${what}) within ${ms} ms.`),
  );
