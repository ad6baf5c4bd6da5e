import { KillSwitchError } from '../flags/index.ts';

/** Settles as `work` does, or rejects with what `late` makes after `ms` milliseconds; what `work` does later is ignored. */
export async function within<T>(work: Promise<T>, ms: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
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
