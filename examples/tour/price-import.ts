import { appendFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One new price of a supplier's list. `row` counts from 1. */
export interface Row {
  readonly row: number;
  readonly sku: string;
  readonly cents: number;
}

/**
 * One line in the books of an import. `revision`: of the prices, once that row was in them. `at`: wall time in
 * milliseconds.
 */
export type Entry = { readonly at: number } & (
  | { readonly row: number; readonly revision: number }
  | { readonly note: 'signalled' | 'closed'; readonly why: string }
);

/** What is not there yet is empty. */
async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

/** A supplier's list of new prices, and the books of its import: what was taken over, line by line. */
export class PriceImport {
  readonly #list: string;
  readonly books: string;

  constructor(folder: string) {
    this.#list = join(folder, 'supplier.json');
    this.books = join(folder, 'import.jsonl');
  }

  /** The supplier sends its list. */
  async send(rows: readonly Row[]): Promise<void> {
    await writeFile(`${this.#list}.tmp`, JSON.stringify(rows));
    await rename(`${this.#list}.tmp`, this.#list);
  }

  /** The rows that the books do not name yet. */
  async rowsLeft(): Promise<readonly Row[]> {
    const list = await textOf(this.#list);
    if (list === '') return [];
    const taken = new Set((await this.entries()).map((entry) => ('row' in entry ? entry.row : 0)));
    const rows: readonly Row[] = JSON.parse(list);
    return rows.filter(({ row }) => !taken.has(row));
  }

  async entries(): Promise<readonly Entry[]> {
    const lines = (await textOf(this.books)).split('\n');
    return lines.slice(0, -1).map((line): Entry => JSON.parse(line)); // the last line may still be being written
  }

  /** Writes at once, so that the lines stand in the order of what happened. */
  enter(what: Omit<Extract<Entry, { row: number }>, 'at'> | Omit<Extract<Entry, { note: string }>, 'at'>): void {
    appendFileSync(this.books, `${JSON.stringify({ at: Date.now(), ...what })}\n`);
  }
}
