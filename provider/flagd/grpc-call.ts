import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2, constants, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { KillSwitchError } from '../../flags/index.ts';
import type { FlagdSettings } from './options.ts';

/** The longest answer that is read, in bytes. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/**
 * Unary gRPC calls over a connection of its own, which a failed call gives up, so that the next one makes a new one at once. Not with a gRPC client: those
 * share connections, wait longer and longer before they connect again, and connect once more after they have been closed.
 */
export class GrpcCaller {
  readonly #settings: FlagdSettings;
  #session: ClientHttp2Session | null = null;
  #closed = false;

  constructor(settings: FlagdSettings) {
    this.#settings = settings;
  }

  /** The answer's one message. Rejects on any status but OK, and after the deadline. */
  async call(path: string, message: Uint8Array, deadlineMs: number): Promise<Uint8Array> {
    if (this.#closed) throw new KillSwitchError('CLOSED', 'The provider has been closed.');
    const session = (this.#session ??= this.#connect());
    try {
      return await this.#request(session, path, message, deadlineMs);
    } catch (error) {
      this.#drop(session);
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    if (this.#session) this.#drop(this.#session);
  }

  #request(session: ClientHttp2Session, path: string, message: Uint8Array, deadlineMs: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const { selector, defaultAuthority } = this.#settings;
      const request = session.request({
        ':method': 'POST',
        ':path': path,
        ...(defaultAuthority ? { ':authority': defaultAuthority } : {}),
        'content-type': 'application/grpc',
        te: 'trailers',
        'grpc-timeout': `${deadlineMs}m`,
        ...(selector ? { 'flagd-selector': selector } : {}),
      });
      const timer = setTimeout(() => fail(new Error(`flagd did not answer within ${deadlineMs} ms`)), deadlineMs);
      const chunks: Buffer[] = [];
      let size = 0;
      let status: { readonly code: string; readonly message: string } = { code: 'none', message: '' };
      const fail = (error: Error): void => {
        clearTimeout(timer);
        reject(error);
        request.close(constants.NGHTTP2_CANCEL);
      };
      const readStatus = (headers: IncomingHttpHeaders): void => {
        const code = headers['grpc-status'];
        if (code !== undefined) status = { code: String(code), message: String(headers['grpc-message'] ?? '') };
      };
      request.on('response', (headers) => {
        readStatus(headers);
        if (headers[':status'] !== 200) fail(new Error(`flagd answered with HTTP status ${headers[':status']}`));
      });
      request.on('trailers', readStatus);
      request.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) fail(new Error(`flagd's answer is longer than ${MAX_ANSWER_BYTES} bytes`));
      });
      request.on('error', fail);
      session.once('error', fail);
      request.on('close', () => {
        session.off('error', fail);
        clearTimeout(timer);
        const answer = status.code === '0' ? unframe(Buffer.concat(chunks)) : null;
        if (answer) resolve(answer);
        else reject(new Error(`flagd answered with gRPC status ${status.code} ${status.message}`.trim()));
      });
      request.end(frame(message));
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
    const session = connectHttp2(`${tls ? 'https' : 'http'}://${name}:${port}`, { ...ca, ...viaSocket });
    session.on('error', () => this.#drop(session)); // the call under way hears of it too
    session.on('goaway', () => this.#drop(session));
    session.on('close', () => this.#drop(session));
    session.unref();
    return session;
  }

  #drop(session: ClientHttp2Session): void {
    if (this.#session === session) this.#session = null;
    session.destroy();
  }
}

/** A gRPC frame: not compressed, the length, the message. */
function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** The message in a gRPC frame, null where it is compressed or cut off. */
function unframe(body: Buffer): Uint8Array | null {
  if (body.length < 5 || body[0] !== 0) return null;
  const end = 5 + body.readUInt32BE(1);
  return body.length < end ? null : body.subarray(5, end);
}
