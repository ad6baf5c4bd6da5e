import { dropPromise } from '../flags/callbacks.ts';
import { messageOf } from '../flags/index.ts';
import { redact } from './redact.ts';

/** The application's own redaction, applied after ours. */
export type RedactInput = (input: unknown, call: { readonly action: string | undefined }) => unknown;

/** What is recorded of a value: without secrets, by our redaction and by the application's. It never throws. */
export function redactRecord(
  value: unknown,
  action: string | undefined,
  redactInput: RedactInput | undefined,
): unknown {
  if (!redactInput) return redact(value);
  try {
    const left = redactInput(redact(value), { action });
    // The record is made now, so it cannot wait for the promise.
    if (dropPromise(left)) return '[not recorded: the redact function returned a promise, and it must be synchronous]';
    return redact(left);
  } catch (error) {
    return `[not recorded: the redact function failed: ${messageOf(error)}]`;
  }
}
