import { readFileSync } from 'node:fs';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
  type Http2Session,
  type IncomingHttpHeaders,
} from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { KillSwitchError } from '../../flags/index.ts';
import { asError } from '../../store/as-error.ts';
import { connectionFailure, noGrpc, noHttp2, noSuchService } from './failures.ts';
import { frame, Frames, type Progress } from './grpc-frames.ts';
import type { FlagdSettings } from './options.ts';

/** flagd has answered with another status than OK, so the connection works. */
export class GrpcStatusError extends Error {
  override readonly name = 'GrpcStatusError';
  readonly status: number;
  /** flagd's own message. */
  readonly details: string;

  constructor(status: number, details: string) {
    super(`flagd answered with gRPC status ${status} ${details}`.trim());
    this.status = status;
    this.details = details;
  }
}

/** gRPC's status for a service or method that is not there. */
const UNIMPLEMENTED = 12;

/**
 * How much flagd may send before it hears that it was received, in bytes: with HTTP/2's default of 64 KiB a large
 * definition would take a round trip for each part of that size.
 */
const WINDOW_BYTES = 16 * 1024 * 1024;

/** How long an answer is waited for, in milliseconds. */
export interface Patience {
  /** For its first byte, and from then on for each further one. */
  readonly silentMs: number;
  /** For all of it. */
  readonly totalMs: number;
}

/** Called for one request: for each message, and then once for its end, with an error unless its status was OK. */
interface Listener {
  readonly onMessage: (message: Uint8Array) => void;
  readonly onEnd: (error: Error | null) => void;
  /** Called as often as a part of a message arrives: its bytes that are there, and how many it has in all. */
  readonly onProgress?: (progress: Progress) => void;
}

interface Request extends Listener {
  readonly path: string;
  readonly message: Uint8Array;
  readonly timeoutMs?: number;
}

/**
 * gRPC over one connection, which is made for the first request, and again for the first after it was lost. No gRPC
 * client is used: those share connections, wait up to two minutes before they connect again, keep one that a network
 * has forgotten for a quarter of an hour, and connect once more after they have been closed.
 */
export class GrpcConnection {
  readonly #settings: FlagdSettings;
  /** The connection for new requests. */
  #session: ClientHttp2Session | null = null;
  /** All open connections: after flagd's GOAWAY one is kept for the requests that it has. */
  readonly #sessions = new Set<ClientHttp2Session>();
  /** Those on which HTTP/2 has been spoken. */
  readonly #heard = new WeakSet<Http2Session>();
  #closed = false;

  constructor(settings: FlagdSettings) {
    this.#settings = settings;
  }

  /**
   * The answer's one message. Rejects on any status but OK (`GrpcStatusError`), and when patience is over; the
   * connection is kept all the same.
   */
  call(path: string, message: Uint8Array, { silentMs, totalMs }: Patience): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      let answer: Uint8Array | null = null;
      let progress: Progress | null = null;
      const part = (): string => (progress ? `${progress.bytes} of ${progress.of ?? 'unknown'} bytes` : '');
      const silent = setTimeout(() => {
        const late = `flagd did not answer within ${silentMs} ms`;
        end(new Error(progress ? `flagd sent nothing for ${silentMs} ms, after ${part()}` : late));
      }, silentMs);
      const total = setTimeout(() => {
        const late = `flagd did not answer within ${totalMs} ms`;
        end(new Error(progress ? `flagd is still sending its answer after ${totalMs} ms: ${part()}` : late));
      }, totalMs);
      const end = this.#request({
        path,
        message,
        timeoutMs: totalMs,
        onProgress: (next) => {
          progress = next;
          silent.refresh();
        },
        onMessage: (first) => {
          answer ??= first;
        },
        onEnd: (error) => {
          clearTimeout(silent);
          clearTimeout(total);
          if (answer && !error) resolve(answer);
          else reject(error ?? new Error('flagd answered without a message'));
        },
      });
    });
  }

  /** A stream of messages; the returned function ends it without calling the listener. */
  listen(path: string, message: Uint8Array, listener: Listener): () => void {
    let silent = false;
    const end = this.#request({
      path,
      message,
      onMessage: listener.onMessage,
      onEnd: (error) => {
        if (!silent) listener.onEnd(error);
      },
    });
    return () => {
      silent = true;
      end(null);
    };
  }

  /**
   * Ends the connection and all its requests; the next request makes a new one. For a connection that may be dead while
   * flagd is not.
   */
  giveUp(): void {
    this.#session = null;
    for (const session of this.#sessions) session.destroy();
  }

  close(): void {
    this.#closed = true;
    this.giveUp();
  }

  /**
   * Sends a request; the returned function ends it, with an error or without. It never throws: a request that cannot be
   * sent has ended with the error.
   */
  #request({ path, message, timeoutMs, onMessage, onProgress, onEnd }: Request): (error: Error | null) => void {
    let ended = false;
    let failed: Error | null = null;
    let status: { readonly code: number; readonly details: string } | null = null;
    let request: ClientHttp2Stream;
    try {
      request = this.#send(path, timeoutMs);
    } catch (error) {
      onEnd(asError(error));
      return () => {};
    }
    const end = (error: Error | null): void => {
      if (ended) return;
      ended = true;
      request.close(constants.NGHTTP2_CANCEL);
      onEnd(error);
    };
    const readStatus = (headers: IncomingHttpHeaders): void => {
      const code = headers['grpc-status'];
      if (code !== undefined) status = { code: Number(code), details: decoded(String(headers['grpc-message'] ?? '')) };
    };
    const frames = new Frames();
    const { session } = request;
    request.on('response', (headers) => {
      readStatus(headers);
      const { ':status': httpStatus, 'content-type': type } = headers;
      if (httpStatus === 404) end(new Error(noSuchService(this.#settings, path)));
      else if (httpStatus !== 200) end(new Error(`flagd answered with HTTP status ${httpStatus}`));
      else if (type !== undefined && !type.startsWith('application/grpc')) end(new Error(noGrpc(this.#settings, type)));
    });
    request.on('trailers', readStatus);
    request.on('data', (chunk: Buffer) => {
      try {
        if (ended) return;
        for (const each of frames.take(chunk)) if (!ended) onMessage(each);
        if (!ended) onProgress?.(frames.progress);
      } catch (error) {
        end(asError(error));
      }
    });
    request.on('error', (error) => {
      failed = error;
    });
    request.on('close', () => {
      if (status?.code === 0) end(null);
      else if (status?.code === UNIMPLEMENTED) end(new Error(noSuchService(this.#settings, path)));
      else if (status) end(new GrpcStatusError(status.code, status.details));
      else if (failed) end(connectionFailure(this.#settings, failed));
      else if (session && !this.#heard.has(session)) end(new Error(noHttp2(this.#settings)));
      else end(new Error('the connection to flagd was lost'));
    });
    request.end(frame(message));
    return end;
  }

  #send(path: string, timeoutMs: number | undefined): ClientHttp2Stream {
    if (this.#closed) throw new KillSwitchError('CLOSED', 'The provider has been closed.');
    if (!this.#session || this.#session.destroyed || this.#session.closed) this.#session = this.#connect();
    const { selector, defaultAuthority } = this.#settings;
    return this.#session.request({
      ':method': 'POST',
      ':path': path,
      ...(defaultAuthority ? { ':authority': defaultAuthority } : {}),
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(timeoutMs === undefined ? {} : { 'grpc-timeout': `${Math.ceil(timeoutMs)}m` }),
      ...(selector ? { 'flagd-selector': selector } : {}),
    });
  }

  #connect(): ClientHttp2Session {
    const { host, port, socketPath, tls, certPath } = this.#settings;
    const name = host.includes(':') ? `[${host}]` : host;
    const ca = tls && certPath ? { ca: readFileSync(certPath) } : {};
    const viaSocket = socketPath
      ? {
          createConnection: () =>
            tls
              ? connectTls({ path: socketPath, servername: host, ALPNProtocols: ['h2'], ...ca })
              : connectTcp({ path: socketPath }),
        }
      : {};
    const session = connectHttp2(`${tls ? 'https' : 'http'}://${name}:${port}`, {
      settings: { initialWindowSize: WINDOW_BYTES },
      ...ca,
      ...viaSocket,
    });
    this.#sessions.add(session);
    const leave = (): void => {
      if (this.#session === session) this.#session = null;
    };
    session.on('connect', () => {
      if (!session.destroyed) session.setLocalWindowSize(WINDOW_BYTES);
    });
    session.on('remoteSettings', () => this.#heard.add(session));
    session.on('error', leave); // the requests under way hear of it too
    session.on('goaway', () => {
      leave();
      if (!session.destroyed) session.close(); // when what it has is answered
    });
    session.on('close', () => {
      leave();
      this.#sessions.delete(session);
    });
    session.unref();
    return session;
  }
}

/** gRPC percent-encodes characters that are not ASCII. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
