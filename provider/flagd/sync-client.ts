import { GrpcCaller } from './grpc-call.ts';
import type { FlagdSettings } from './options.ts';

const FETCH_ALL_FLAGS = '/flagd.sync.v1.FlagSyncService/FetchAllFlags';

/** Fetches the whole definition from flagd's sync port. */
export class SyncClient {
  readonly #caller: GrpcCaller;
  readonly #request: Buffer;
  readonly #deadlineMs: number;

  constructor(settings: FlagdSettings, deadlineMs: number) {
    this.#caller = new GrpcCaller(settings);
    this.#deadlineMs = deadlineMs;
    // As the official provider does: the selector also in the field that older flagd versions read.
    this.#request = settings.selector ? textField(2, settings.selector) : Buffer.alloc(0);
  }

  /** The definition, as text. */
  async fetchAllFlags(): Promise<string> {
    const answer = await this.#caller.call(FETCH_ALL_FLAGS, this.#request, this.#deadlineMs);
    try {
      return firstTextField(answer);
    } catch (cause) {
      throw new Error('flagd answered with something that is not a flag definition', { cause });
    }
  }

  close(): void {
    this.#caller.close();
  }
}

// The two protobuf messages have one text field each that matters here; the official provider does not export its own readers for them.

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
function firstTextField(message: Uint8Array): string {
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
