import { KillSwitchError } from '../flags/index.ts';

/** Settles as `work` does, or rejects with STORE_UNREACHABLE after `ms` milliseconds; what `work` does later is ignored. */
export async function withDeadline<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new KillSwitchError('STORE_UNREACHABLE', `The store did not answer (${what}) within ${ms} ms.`));
    }, ms);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {}); // a rejection that comes after the deadline belongs to nobody
  }
}
