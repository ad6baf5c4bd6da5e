import { ANNOUNCEMENT_USD, SALE_RUN } from './spring-sale.ts';
import { type Cast, must, poll, SOON_MS, watch } from './stage.ts';

const DISCOUNTS = 12;
const BUDGET_USD = 20;

/** How long nothing may change on the disk, in milliseconds. */
const STILL_MS = 700;

/** A person reads what one call would do, and approves exactly that. */
export async function approval(cast: Cast): Promise<void> {
  const { screen, control, shop } = cast;
  screen.title('10. A person signs off what matters');
  screen.command('kill-switch autonomy prices.discount human_in_the_loop');
  await control.setAutonomy({ action: 'prices.discount', stage: 'human_in_the_loop' });
  const products = await shop.products();
  const discounts = Array.from({ length: DISCOUNTS }, (_none, index) => {
    const { sku, lowest } = products[index % products.length] ?? { sku: '', lowest: 0 };
    return { sku, cents: lowest - 10 * (1 + index) };
  });
  await shop.springSale.ask(discounts);
  const request = await poll(SOON_MS, async () => (await control.approvals()).data[0] ?? null);
  must(request !== null, 'a write that people have to approve is held, and they are asked');
  const { prices } = await shop.count();
  must((await watch(cast, STILL_MS)).prices === prices, 'a held call has not happened');
  screen.say(`price-bot is to make ${DISCOUNTS} discounts in the run ${SALE_RUN}. The first one waits:`);
  screen.say(`"${request.description}", for ${request.cost_usd} usd`);
  screen.command(`kill-switch approve ${request.id.slice(0, 8)}…`);
  await control.approve({ id: request.id, inputHash: request.input_hash });
  const landed = await watch(cast, SOON_MS, (disk) => disk.prices > prices);
  must(landed.prices === prices + 1, 'exactly the one call that was approved has happened');
  screen.say('On disk: that one price has changed, and no other. The second discount waits.');
}

/** No single discount is too much. All together are, and that stops by itself. */
export async function budget(cast: Cast): Promise<void> {
  const { screen, control, shop } = cast;
  screen.title('11. A budget stops what no single call would');
  screen.command(`kill-switch budget run:${SALE_RUN} --usd ${BUDGET_USD}`);
  await control.setBudget({ scope: `run:${SALE_RUN}`, usd: BUDGET_USD });
  screen.command('kill-switch autonomy prices.discount autonomous --reason "the first one is right"');
  const before = await shop.count();
  await control.setAutonomy({ action: 'prices.discount', stage: 'autonomous', reason: 'the first one is right' });
  const stop = await poll(SOON_MS, async () => {
    const { stops } = await control.status();
    return stops.find(({ target }) => target === `run:${SALE_RUN}`) ?? null;
  });
  must(stop !== null, 'a budget that is spent stops its run by itself');
  const spent = await shop.count();
  const allowed = BUDGET_USD / ANNOUNCEMENT_USD;
  must(spent.prices - before.prices === allowed, `${allowed} discounts of ${ANNOUNCEMENT_USD} usd fit, and no more`);
  must((await watch(cast, STILL_MS)).prices === spent.prices, 'a budget that is spent stays so');
  screen.say(
    `Each discount is announced for ${ANNOUNCEMENT_USD} usd. ${allowed} more were made, and then the run was ${stop.mode} by ${stop.by}:`,
  );
  screen.say(stop.reason ?? '');
}

/** Everything that the run has done is undone, the last first, and the disk is as it was. */
export async function rollback(cast: Cast): Promise<void> {
  const { screen, control, shop } = cast;
  screen.title('12. One command undoes what a run has done');
  screen.command(`kill-switch rollback run:${SALE_RUN} --reason "no sale this spring"`);
  const { actions } = await control.rollback({ run: SALE_RUN, reason: 'no sale this spring', waitMs: 5000 });
  const made = 1 + BUDGET_USD / ANNOUNCEMENT_USD;
  must(
    actions.length === made && actions.every(({ outcome }) => outcome === 'reversed'),
    'each discount of the run is undone',
  );
  const discounted = new Set((await shop.springSale.discounts()).map(({ sku, cents }) => `${sku} ${cents}`));
  const left = (await shop.products()).filter(({ sku, cents }) => discounted.has(`${sku} ${cents}`));
  must(left.length === 0, 'no discount is left on the disk');
  screen.table([['undone, the last first', 'what became of it'], ...actions.map((one) => [one.action, one.outcome])]);
  screen.say('On disk: every price is as it was before the sale.');
}
