import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { messageOf } from '../../flags/index.ts';
import { PrivateAddressError, publicLookup, refusedHost, type Resolve } from './address.ts';

/** What came of one attempt. `says` is a clause about the receiver; it never repeats what may be secret. */
export interface Outcome {
  readonly delivered: boolean;
  readonly says: string;
}

/** How long one attempt may take, in milliseconds. */
export const ATTEMPT_MS = 15_000;

export interface Posting {
  readonly url: URL;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly allowPrivate: boolean;
  /** Ends the attempt. */
  readonly signal: AbortSignal;
  readonly attemptMs: number;
  /** How names become addresses; default: as the system does it. */
  readonly resolve?: Resolve | undefined;
}

/**
 * Sends one alert. No redirect is followed: it may lead to where nothing may be sent, and a signed alert is for the
 * receiver that was named. Never rejects.
 */
export function post({ url, body, headers, allowPrivate, signal, attemptMs, resolve }: Posting): Promise<Outcome> {
  const host = allowPrivate ? null : refusedHost(url);
  if (host) return Promise.resolve({ delivered: false, says: host.message });
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((settle) => {
    const cut = new AbortController();
    const stop = (): void => cut.abort();
    const late = setTimeout(() => {
      stop();
      end(false, `it did not answer within ${attemptMs / 1000} s`); // however the request ends, or does not
    }, attemptMs);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    const end = (delivered: boolean, says: string): void => {
      clearTimeout(late);
      signal.removeEventListener('abort', stop);
      settle({ delivered, says });
    };
    try {
      const sent = request(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': 'openfeature-kill-switch',
          'content-length': Buffer.byteLength(body),
          ...headers,
        },
        agent: false, // a connection of its own: each address is looked at
        signal: cut.signal,
        ...(!allowPrivate && { lookup: publicLookup(resolve) }),
      });
      sent.once('response', (response) => {
        const status = response.statusCode ?? 0;
        response.once('error', () => {}); // the status has said it
        response.destroy(); // what it answers beside is not read, however long it is
        end(status >= 200 && status < 300, answerOf(status));
      });
      sent.once('upgrade', (response, socket) => {
        socket.destroy();
        end(false, answerOf(response.statusCode ?? 0));
      });
      // Whatever else has ended it has said so before.
      sent.once('close', () => end(false, failure(new Error('the connection was cut'))));
      sent.once('error', (error) => end(false, failure(error)));
      sent.end(body);
    } catch (error) {
      end(false, failure(error));
    }
  });
}

const answerOf = (status: number): string =>
  status >= 300 && status < 400
    ? `it answered ${status}, and redirects are not followed: name the address that it leads to`
    : `it answered ${status}`;

function failure(error: unknown): string {
  if (error instanceof PrivateAddressError) return error.message;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
  const why = code === null || messageOf(error).includes(code) ? messageOf(error) : `${code}: ${messageOf(error)}`;
  return `nothing could be sent there (${why || 'the connection was cut'})`;
}
