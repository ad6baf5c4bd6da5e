import type { AlertTarget } from '../../flags/index.ts';
import type { z } from 'zod';
import type { Alert } from './alert.ts';
import type { Resolve } from './address.ts';
import { bodyOf, headersOf } from './body.ts';
import { ATTEMPT_MS, type Outcome, post } from './post.ts';
import { runCommand } from './run-command.ts';
import type { secretSchema } from './records.ts';

/** Where a target is, and the key of its signature. */
export type Secret = z.infer<typeof secretSchema>;

export interface Attempting {
  /** Ends the attempt. */
  readonly signal: AbortSignal;
  /** How long it may take, in milliseconds; default 15 s. */
  readonly attemptMs?: number | undefined;
  readonly resolve?: Resolve | undefined;
}

/** Sends an alert to a target once. Never rejects. */
export async function attempt(
  alert: Alert,
  { via, format, allow_private }: Pick<AlertTarget, 'via' | 'format' | 'allow_private'>,
  { where, secret }: Secret,
  { signal, attemptMs = ATTEMPT_MS, resolve }: Attempting,
): Promise<Outcome> {
  const body = bodyOf(alert, format);
  if (via === 'exec') return runCommand({ command: where, body, id: alert.id, signal, attemptMs });
  const headers = headersOf(alert, { body, secret, seconds: Math.floor(Date.now() / 1000) });
  return post({ url: new URL(where), body, headers, allowPrivate: allow_private, signal, attemptMs, resolve });
}
