import { messageOf } from '../flags/index.ts';

/** How long a handler of the user's (`redirect`, `draft`, `describe`) may take, in milliseconds. */
export const HANDLER_TIMEOUT_MS = 10_000;

/** What a handler of the user's came to: a value, or in a sentence why there is none. */
export type Handled<T> = { readonly value: T } | { readonly problem: string };

/** Calls a handler of the user's. It never rejects: one that throws or hangs is a problem, and a problem blocks. */
export async function callHandler<T>(
  name: string,
  handler: () => T | Promise<T>,
  timeoutMs: number,
): Promise<Handled<T>> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<Handled<T>>((resolve) => {
      timer = setTimeout(
        () => resolve({ problem: `its ${name} handler did not end within ${timeoutMs} ms` }),
        timeoutMs,
      );
    });
    const called = Promise.resolve(handler()).then(
      (value): Handled<T> => ({ value }),
      (error: unknown): Handled<T> => ({ problem: `its ${name} handler failed: ${messageOf(error)}` }),
    );
    return await Promise.race([called, late]);
  } catch (error) {
    return { problem: `its ${name} handler failed: ${messageOf(error)}` };
  } finally {
    clearTimeout(timer);
  }
}
