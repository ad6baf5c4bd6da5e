import { readFileSync } from 'node:fs';
import { type ChannelCredentials, Client, credentials, Metadata } from '@grpc/grpc-js';
import { KillSwitchError } from '../../flags/index.ts';
import type { FlagdSettings } from './options.ts';

const FETCH_ALL_FLAGS = '/flagd.sync.v1.FlagSyncService/FetchAllFlags';

/** Fetches the whole definition from flagd's sync port, with a deadline, over a connection that nothing else uses. */
export class SyncClient {
  readonly #settings: FlagdSettings;
  readonly #deadlineMs: number;
  readonly #metadata = new Metadata();
  readonly #request: Buffer;
  #client: Client | null = null;
  #closed = false;

  constructor(settings: FlagdSettings, deadlineMs: number) {
    this.#settings = settings;
    this.#deadlineMs = deadlineMs;
    const { selector } = settings;
    // As the official provider does: by header, and in the field that older flagd versions read.
    if (selector) this.#metadata.set('flagd-selector', selector);
    this.#request = selector ? textField(2, selector) : Buffer.alloc(0);
  }

  /** The definition, as text. A failed call gives the connection up: the next one makes a new one at once. */
  fetchAllFlags(): Promise<string> {
    if (this.#closed) return Promise.reject(new KillSwitchError('CLOSED', 'The provider has been closed.'));
    this.#client ??= this.#connect();
    const client = this.#client;
    return new Promise<string>((resolve, reject) => {
      client.makeUnaryRequest(
        FETCH_ALL_FLAGS,
        (request: Buffer) => request,
        (response: Buffer) => response, // read below: what is thrown in here would be lost in gRPC's own words
        this.#request,
        this.#metadata,
        { deadline: Date.now() + this.#deadlineMs },
        (error, response) => {
          if (error) {
            this.#drop(client);
            reject(error);
            return;
          }
          try {
            resolve(firstTextField(response ?? Buffer.alloc(0)));
          } catch (cause) {
            reject(new Error('flagd answered with something that is not a flag definition', { cause }));
          }
        },
      );
    });
  }

  close(): void {
    this.#closed = true;
    if (this.#client) this.#drop(this.#client);
  }

  #connect(): Client {
    const { host, port, socketPath, defaultAuthority } = this.#settings;
    return new Client(socketPath ? `unix://${socketPath}` : `${host}:${port}`, this.#credentials(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
      ...(defaultAuthority ? { 'grpc.default_authority': defaultAuthority } : {}),
    });
  }

  #credentials(): ChannelCredentials {
    const { tls, certPath } = this.#settings;
    if (!tls) return credentials.createInsecure();
    return certPath ? credentials.createSsl(readFileSync(certPath)) : credentials.createSsl();
  }

  #drop(client: Client): void {
    client.close();
    if (this.#client === client) this.#client = null;
  }
}

// The two messages have one text field each that matters here; the official provider does not export its own readers for them.

const varint = (value: number): Buffer => {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Buffer.from([...bytes, rest]);
};

function textField(number: number, text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

/** Field 1 of a protobuf message, '' when it has none. @throws on anything that is not such a message, or not UTF-8 */
function firstTextField(message: Buffer): string {
  let [text, at] = ['', 0];
  const readVarint = (): number => {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = message[at];
      if (byte === undefined || scale > 2 ** 49) throw new RangeError('truncated');
      at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  };
  while (at < message.length) {
    const tag = readVarint();
    switch (tag % 8) {
      case 0:
        readVarint();
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        const length = readVarint();
        if (tag === 10) text = new TextDecoder('utf-8', { fatal: true }).decode(message.subarray(at, at + length));
        at += length;
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        throw new RangeError(`wire type ${tag % 8}`);
    }
    if (at > message.length) throw new RangeError('truncated');
  }
  return text;
}
