import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One price that is to be lower. */
export interface Discount {
  readonly sku: string;
  readonly cents: number;
}

/** The run in which price-bot makes the discounts, by whose name people speak of it. */
export const SALE_RUN = 'spring-sale';

/** What it costs to announce one discount, in dollars. */
export const ANNOUNCEMENT_USD = 4;

/** The list of discounts that somebody asks price-bot for. */
export class SpringSale {
  readonly #list: string;

  constructor(folder: string) {
    this.#list = join(folder, 'spring-sale.json');
  }

  async ask(discounts: readonly Discount[]): Promise<void> {
    await writeFile(`${this.#list}.tmp`, JSON.stringify(discounts));
    await rename(`${this.#list}.tmp`, this.#list);
  }

  /** Empty until somebody has asked for any. */
  async discounts(): Promise<readonly Discount[]> {
    try {
      const list: readonly Discount[] = JSON.parse(await readFile(this.#list, 'utf8'));
      return list;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw error;
    }
  }
}
