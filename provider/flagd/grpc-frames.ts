/** The longest message that is accepted, in bytes. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** The length of a frame's head: one byte for compression, four for the length of the message. */
const HEAD_BYTES = 5;

/** How much of a frame has come, in bytes. */
export interface Progress {
  readonly bytes: number;
  /** Of how many; null where its head has not come yet. */
  readonly of: number | null;
}

/** A gRPC frame: not compressed, the length, the message. */
export function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Takes the messages out of the frames of one answer, however they are cut into chunks. */
export class Frames {
  #chunks: Buffer[] = [];
  #length = 0;

  /**
   * The messages that are complete with this chunk. @throws for a message that is too long, or compressed, which we
   * never ask for
   */
  take(chunk: Buffer): Uint8Array[] {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    const messages: Uint8Array[] = [];
    for (let end = this.#end(); end <= this.#length; end = this.#end()) {
      const whole = this.#joined();
      messages.push(whole.subarray(HEAD_BYTES, end));
      this.#chunks = [whole.subarray(end)];
      this.#length -= end;
    }
    return messages;
  }

  /** How much of the frame that comes next is there. */
  get progress(): Progress {
    const end = this.#end();
    return { bytes: this.#length, of: Number.isFinite(end) ? end : null };
  }

  /** Where the first frame ends; Infinity where its head has not come yet. */
  #end(): number {
    if (this.#length < HEAD_BYTES) return Number.POSITIVE_INFINITY;
    if ((this.#chunks[0]?.length ?? 0) < HEAD_BYTES) this.#joined();
    const [first = Buffer.alloc(0)] = this.#chunks;
    if (first[0] === 1) throw new Error('flagd answered with a compressed message');
    if (first[0] !== 0) throw new Error('flagd answered with something that is not a gRPC message');
    const length = first.readUInt32BE(1);
    if (length > MAX_MESSAGE_BYTES) throw new Error(`flagd's answer is longer than ${MAX_MESSAGE_BYTES} bytes`);
    return HEAD_BYTES + length;
  }

  #joined(): Buffer {
    const whole = Buffer.concat(this.#chunks);
    this.#chunks = [whole];
    return whole;
  }
}
