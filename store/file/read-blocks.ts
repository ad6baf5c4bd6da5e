import type { OpenedFile } from './opened-file.ts';

/** How much is read at once, in bytes, and how many such blocks are kept. */
const [BLOCK, MOST_BLOCKS] = [256 * 1024, 4];

interface Block {
  readonly from: number;
  readonly bytes: Buffer;
}

/**
 * Parts of a file that are asked for nearly in order, perhaps in several places by turns: each block is read once, and
 * not each part.
 */
export class ReadBlocks {
  readonly #file: OpenedFile;
  readonly #least: number;
  /** The one that was read last comes last. */
  readonly #blocks: Block[] = [];

  /** @param isMany whether more than one part will be asked for */
  constructor(file: OpenedFile, isMany: boolean) {
    this.#file = file;
    this.#least = isMany ? BLOCK : 0;
  }

  /** The text of `length` bytes from `from` on; '' where the file does not hold them all. */
  async text(from: number, length: number): Promise<string> {
    const block = this.#blocks.find((each) => from >= each.from && from + length <= each.from + each.bytes.length);
    const { from: start, bytes } = block ?? (await this.#read(from, length));
    const part = bytes.subarray(from - start, from - start + length);
    return part.length === length ? part.toString('utf8') : '';
  }

  async #read(from: number, length: number): Promise<Block> {
    const buffer = Buffer.allocUnsafe(Math.max(this.#least, length));
    const block = { from, bytes: buffer.subarray(0, await this.#file.read(buffer, 0, from)) };
    this.#blocks.push(block);
    if (this.#blocks.length > MOST_BLOCKS) this.#blocks.shift();
    return block;
  }

  close(): void {
    this.#file.close();
  }
}
