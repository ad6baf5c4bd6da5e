import { runAgent } from './agent.ts';
import type { Product } from './shop.ts';

interface Change {
  readonly sku: string;
  readonly cents: number;
}

/** Moves a price by a few per cent within its bounds, up and down in turns. */
function nextPrice({ cents, lowest, highest }: Product, turn: number): number {
  const wished = Math.round(cents * (1 + 0.03 * Math.sin(turn)));
  return Math.min(highest, Math.max(lowest, wished));
}

// Reprices one product after the other.
runAgent('price-bot', (killSwitch, shop) => {
  const readProducts = killSwitch.action({ name: 'prices.read', effect: 'read', execute: () => shop.products() });
  const setPrice = killSwitch.action({
    name: 'prices.update',
    execute: ({ sku, cents }: Change) => shop.setPrice(sku, cents),
    draft: (change: Change) => change,
  });
  const change = (products: readonly Product[], turn: number): Change => {
    const product = products[turn % products.length] as Product;
    return { sku: product.sku, cents: nextPrice(product, turn) };
  };
  return {
    work: async (turn) => setPrice(change(await readProducts(undefined), turn)),
    isDone: () => Promise.resolve(false), // setting a price once more does no harm
    around: async (turn) => {
      const { sku, cents } = change(await shop.products(), turn);
      await shop.setPrice(sku, cents);
    },
  };
});
