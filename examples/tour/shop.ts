import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { PriceImport, type Row } from './price-import.ts';
import { SpringSale } from './spring-sale.ts';

export interface Order {
  readonly number: number;
  readonly customer: string;
  readonly sku: string;
  readonly quantity: number;
}

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly body: string;
}

export interface Product {
  readonly sku: string;
  readonly name: string;
  readonly cents: number;
  readonly lowest: number;
  readonly highest: number;
}

/** The shop's data file. `revision` counts the changes of prices. */
interface Prices {
  readonly revision: number;
  readonly products: readonly Product[];
}

/** What is on the disk, and when it last changed (wall time in milliseconds). `rows`: of the import, by its books. */
export interface OnDisk {
  readonly mails: number;
  readonly mailsChangedAt: number;
  readonly prices: number;
  readonly rows: number;
  readonly pricesChangedAt: number;
}

/** Where mails go in test_mode. */
export const OWNER = 'owner@shop.example';

const PRODUCTS: readonly Product[] = [
  { sku: 'tea-100', name: 'Green tea, 100 g', cents: 790, lowest: 590, highest: 990 },
  { sku: 'tea-500', name: 'Green tea, 500 g', cents: 2990, lowest: 2490, highest: 3490 },
  { sku: 'pot-1', name: 'Teapot, 1 l', cents: 3400, lowest: 2900, highest: 4200 },
  { sku: 'cup-6', name: 'Six cups', cents: 2400, lowest: 1900, highest: 2900 },
];

const CUSTOMERS = ['ada', 'grace', 'linus', 'barbara', 'edsger'];

export const confirmation = ({ number, customer, sku, quantity }: Order): Mail => ({
  to: `${customer}@customers.example`,
  subject: `Order ${number} confirmed`,
  body: `Dear ${customer},\n\nwe have packed ${quantity} × ${sku} for you.`,
});

/** One of the list after the other, and the first again after the last. */
export function inTurn<T>(list: readonly T[], turn: number): T {
  const [one] = list.slice(turn % list.length);
  if (one === undefined) throw new Error('There is nothing to take in turn.');
  return one;
}

/** A supplier's list of so many new prices. */
export const supplierList = (length: number): readonly Row[] =>
  Array.from({ length }, (_none, index) => {
    const { sku, lowest, highest } = inTurn(PRODUCTS, index);
    return { row: index + 1, sku, cents: Math.round(lowest + ((highest - lowest) * index) / length) };
  });

/** A small shop in a folder: orders that arrive, a maildir, a file of prices, a supplier's list. */
export class Shop {
  readonly maildir: string;
  readonly pricesFile: string;
  readonly priceImport: PriceImport;
  readonly springSale: SpringSale;
  #delivered = 0;

  constructor(folder: string) {
    this.maildir = join(folder, 'maildir');
    this.pricesFile = join(folder, 'prices.json');
    this.priceImport = new PriceImport(folder);
    this.springSale = new SpringSale(folder);
  }

  async create(): Promise<void> {
    for (const part of ['tmp', 'new', 'cur']) await mkdir(join(this.maildir, part), { recursive: true });
    await this.#write({ revision: 0, products: PRODUCTS });
  }

  /** Orders never run out. */
  order(number: number): Order {
    return {
      number,
      customer: inTurn(CUSTOMERS, number),
      sku: inTurn(PRODUCTS, number).sku,
      quantity: 1 + (number % 3),
    };
  }

  /** Delivers as maildir(5) asks: a unique name, written in tmp, then renamed into new, where it is seen only whole. */
  async deliver({ to, subject, body }: Mail): Promise<void> {
    const now = Date.now();
    const host = hostname().replaceAll('/', '\\057').replaceAll(':', '\\072');
    this.#delivered += 1;
    const name = `${Math.floor(now / 1000)}.M${(now % 1000) * 1000}P${process.pid}Q${this.#delivered}.${host}`;
    const headers = [
      'From: Tea Shop <orders@shop.example>',
      `To: ${to}`,
      `Subject: ${subject}`,
      `Date: ${new Date(now).toUTCString()}`,
      `Message-ID: <${randomUUID()}@shop.example>`,
    ];
    const temporary = join(this.maildir, 'tmp', name);
    await writeFile(temporary, `${headers.join('\n')}\n\n${body}\n`, { flag: 'wx' });
    await rename(temporary, join(this.maildir, 'new', name));
  }

  async products(): Promise<readonly Product[]> {
    return (await this.#read()).products;
  }

  /** Gives the revision of the prices that it has made. */
  async setPrice(sku: string, cents: number): Promise<number> {
    const { revision, products } = await this.#read();
    await this.#write({
      revision: revision + 1,
      products: products.map((product) => (product.sku === sku ? { ...product, cents } : product)),
    });
    return revision + 1;
  }

  /**
   * Counts what has landed. A folder's time changes with each mail that is renamed into it, a file's with each that
   * takes its place.
   */
  async count(): Promise<OnDisk> {
    const inbox = join(this.maildir, 'new');
    const [mails, folder, prices, file, books, entries] = await Promise.all([
      readdir(inbox),
      stat(inbox),
      this.#read(),
      stat(this.pricesFile),
      stat(this.priceImport.books).catch(() => null), // there is none before the first row
      this.priceImport.entries(),
    ]);
    return {
      mails: mails.length,
      mailsChangedAt: folder.mtimeMs,
      prices: prices.revision,
      rows: entries.filter((entry) => 'row' in entry).length,
      pricesChangedAt: Math.max(file.mtimeMs, file.ctimeMs, books?.mtimeMs ?? 0),
    };
  }

  /** The mails that were sent, by the order that each confirms. */
  async inbox(): Promise<ReadonlyArray<Mail & { readonly order: number }>> {
    const inbox = join(this.maildir, 'new');
    const mails = await Promise.all((await readdir(inbox)).map((name) => readFile(join(inbox, name), 'utf8')));
    return mails
      .map((text) => {
        const [, to = ''] = /^To: (.+)/m.exec(text) ?? [];
        const [, subject = '', order] = /^Subject: (Order (\d+) .+)/m.exec(text) ?? [];
        return { to, subject, body: text.slice(text.indexOf('\n\n') + 2).trimEnd(), order: Number(order) };
      })
      .sort((a, b) => a.order - b.order);
  }

  async #read(): Promise<Prices> {
    const prices: Prices = JSON.parse(await readFile(this.pricesFile, 'utf8'));
    return prices;
  }

  async #write(prices: Prices): Promise<void> {
    const temporary = `${this.pricesFile}.${randomUUID()}.tmp`; // several containers may all be pid 1
    await writeFile(temporary, `${JSON.stringify(prices, null, 2)}\n`);
    await rename(temporary, this.pricesFile);
  }
}
