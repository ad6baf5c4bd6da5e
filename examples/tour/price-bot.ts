import { setTimeout as sleep } from 'node:timers/promises';
import { describeCause } from '../../flags/index.ts';
import type { Decision } from '../../index.ts';
import { runAgent } from './agent.ts';
import type { Row } from './price-import.ts';
import { inTurn, type Product } from './shop.ts';
import { ANNOUNCEMENT_USD, type Discount, SALE_RUN } from './spring-sale.ts';

/** How long the supplier takes for a row, and for a logout, in milliseconds: long enough to be seen. */
const ROW_MS = 25;
const LOGOUT_MS = 700;

/** Moves a price by a few per cent within its bounds, up and down in turns. */
function nextPrice({ cents, lowest, highest }: Product, turn: number): number {
  const wished = Math.round(cents * (1 + 0.03 * Math.sin(turn)));
  return Math.min(highest, Math.max(lowest, wished));
}

// Reprices one product after the other; when a supplier sends a list, it takes that over first, and so with a sale.
runAgent('price-bot', (killSwitch, shop) => {
  const { priceImport } = shop;
  const readProducts = killSwitch.action({ name: 'prices.read', effect: 'read', execute: () => shop.products() });
  const readList = killSwitch.action({
    name: 'supplier.read',
    effect: 'read',
    execute: () => priceImport.rowsLeft(),
  });
  const setPrice = killSwitch.action({
    name: 'prices.update',
    execute: ({ sku, cents }: Discount) => shop.setPrice(sku, cents),
    draft: (change: Discount) => change,
  });
  const importList = killSwitch.action({
    name: 'prices.import',
    execute: async (rows: readonly Row[], { signal }) => {
      let why = 'the list is done';
      signal.addEventListener('abort', () => {
        const { cause }: Decision = signal.reason;
        why = `stopped by ${describeCause(cause)}`;
        priceImport.enter({ note: 'signalled', why });
      });
      for (const { row, sku, cents } of rows) {
        if (signal.aborted) break; // between two rows: none is left half done
        priceImport.enter({ row, revision: await shop.setPrice(sku, cents) });
        await sleep(ROW_MS);
      }
      await sleep(LOGOUT_MS);
      priceImport.enter({ note: 'closed', why });
    },
  });
  const discount = killSwitch.action({
    name: 'prices.discount',
    spend: { usd: () => ANNOUNCEMENT_USD },
    describe: ({ sku, cents }) => `Sell ${sku} for ${(cents / 100).toFixed(2)} usd, and tell everybody`,
    reverse: { action: 'prices.restore', input: (before) => before },
    async execute({ sku, cents }: Discount): Promise<Discount> {
      const before = (await shop.products()).find((product) => product.sku === sku)?.cents ?? cents;
      await shop.setPrice(sku, cents);
      return { sku, cents: before };
    },
  });
  killSwitch.action({ name: 'prices.restore', execute: ({ sku, cents }: Discount) => shop.setPrice(sku, cents) });
  const sell = (discounts: readonly Discount[]): Promise<void> =>
    killSwitch.run({ runId: SALE_RUN }, async () => {
      for (const each of discounts) await discount(each);
    });
  const change = (products: readonly Product[], turn: number): Discount => {
    const product = inTurn(products, turn);
    return { sku: product.sku, cents: nextPrice(product, turn) };
  };
  return {
    async work(turn) {
      const rows = await readList(undefined);
      const discounts = await shop.springSale.discounts();
      if (rows.length > 0) await importList(rows);
      else if (discounts.length > 0) await sell(discounts);
      else await setPrice(change(await readProducts(undefined), turn));
    },
    // setting a price once more does no harm, and the books know how far an import came
    isDone: () => Promise.resolve(false),
    async around(turn) {
      const { sku, cents } = change(await shop.products(), turn);
      await shop.setPrice(sku, cents);
    },
  };
});
