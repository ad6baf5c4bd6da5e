import { confirmation, OWNER } from './shop.ts';
import { applied, bothWork, type Cast, must, SOON_MS, watch } from './stage.ts';

export async function freshStart(cast: Cast): Promise<void> {
  const { screen, control, mailer, bot } = cast;
  screen.title('1. A fresh switch starts in draft_only');
  const disk = await watch(cast, 1000);
  must((await control.status()).mode === 'draft_only', 'a fresh control plane is in draft_only');
  must(disk.mails === 0 && disk.prices === 0, 'nothing lands in draft_only');
  must(mailer.refused > 0 && bot.refused > 0, 'both agents have tried to write');
  screen.say(
    `The agents run, and may read. They tried to write ${mailer.refused + bot.refused} times, and were refused:`,
  );
  screen.say(mailer.firstRefusalAfter(0, 'mode')?.why ?? '');
  screen.say(`On disk: ${disk.mails} mails, ${disk.prices} price changes.`);
}

export async function goLive(cast: Cast): Promise<void> {
  const { screen, control } = cast;
  screen.title('2. The operator lets them work');
  screen.command('kill-switch mode live --reason "launch"');
  await control.setMode({ mode: 'live', reason: 'launch' });
  await bothWork(cast);
}

/** A paused agent waits in the middle of its work, and goes on with the very same order. */
export async function pauseAndResume(cast: Cast): Promise<void> {
  const { screen, control, shop, mailer } = cast;
  screen.title('3. A pause keeps the work; a revive goes on with it');
  screen.command('kill-switch pause agent:order-mailer --wait 5s');
  const { acknowledgements } = await control.kill({ target: 'agent:order-mailer', mode: 'paused', waitMs: 5000 });
  must(acknowledgements.drained === 2, 'both agents acknowledge a pause within 5 s');
  const refused = mailer.refused;
  const before = await shop.count();
  const disk = await watch(cast, 1000);
  const last = (await shop.inbox()).at(-1)?.order ?? 0;
  must(disk.mails === before.mails && last === before.mails, 'a paused agent writes nothing after it has acknowledged');
  must(mailer.refused === refused, 'a paused call waits, and is not refused');
  must(disk.prices > before.prices, 'price-bot goes on when only order-mailer is paused');
  screen.say(
    `On disk: order ${last} is the last one confirmed, and 1 s later still. The call for order ${last + 1} waits.`,
  );
  screen.command('kill-switch revive agent:order-mailer --reason "go on"');
  await control.revive({ target: 'agent:order-mailer', reason: 'go on' });
  await watch(cast, SOON_MS, ({ mails }) => mails >= last + 5);
  const orders = (await shop.inbox()).map(({ order }) => order);
  must(orders.length >= last + 5, 'a paused agent works again after the revive');
  must(
    orders.every((order, index) => order === index + 1),
    'a paused agent goes on exactly where it was',
  );
  screen.say(`It goes on with order ${last + 1}: on disk are the orders 1 to ${orders.length}, each once.`);
}

/**
 * In test_mode an action does what it does, at the safe destination that it declares; one that declares none is
 * blocked.
 */
export async function testMode(cast: Cast): Promise<void> {
  const { screen, control, shop, bot } = cast;
  screen.title('4. test_mode: real mails, to a safe address');
  screen.command('kill-switch mode test_mode');
  const since = Date.now();
  const { epoch } = await control.setMode({ mode: 'test_mode' });
  await applied(cast, epoch);
  const before = await shop.count();
  const disk = await watch(cast, SOON_MS, ({ mails }) => mails >= before.mails + 8);
  const redirected = (await shop.inbox()).slice(before.mails);
  must(
    redirected.length >= 8 && redirected.every(({ to }) => to === OWNER),
    `every mail of test_mode goes to ${OWNER}, none to a customer`,
  );
  must(
    redirected.every(({ order, body }) => body === confirmation(shop.order(order)).body),
    'a redirected mail has the real content',
  );
  must(disk.prices === before.prices, 'an action without a redirect is blocked in test_mode');
  const mail = redirected.at(-1);
  must(mail !== undefined, 'there is a last mail');
  screen.say(`${redirected.length} mails on disk since, all to ${OWNER}. The last one:`);
  for (const line of [`To: ${mail.to}`, `Subject: ${mail.subject}`, ...mail.body.split('\n').filter(Boolean)])
    screen.say(`  ${line}`);
  screen.say('price-bot has no safe destination, so it is blocked: 0 changes on disk since. The refusal:');
  const refusal = bot.firstRefusalAfter(since, 'fault');
  must(refusal !== undefined, 'an action without a redirect is refused in test_mode');
  screen.say(refusal.why);
  screen.command('kill-switch mode live --reason "the owner has read them"');
  await control.setMode({ mode: 'live', reason: 'the owner has read them' });
  await bothWork(cast);
  must((await shop.inbox()).at(-1)?.to !== OWNER, 'mails go to customers again');
}
