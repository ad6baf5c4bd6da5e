import { after, bothWork, type Cast, must, same, watch } from './stage.ts';
import type { Fault } from './tour-store.ts';

/** A write that began within the lease needs a moment to land. */
const LANDING_MS = 500;

/** Both stop within so many milliseconds of the fault, by what the disk says, and say why. */
async function bothStop(cast: Cast, fault: Fault): Promise<void> {
  const { screen, shop, mailer, bot, leaseMs } = cast;
  screen.say(fault.begins);
  const since = Date.now();
  await fault.begin();
  const limit = leaseMs + LANDING_MS;
  await watch(cast, limit);
  const stopped = await shop.count();
  const later = await watch(cast, 700);
  const last = Math.max(later.mailsChangedAt, later.pricesChangedAt);
  must(same(stopped, later) && last <= since + limit, `both stop within the lease (last write ${after(since, last)})`);
  const refusal = bot.firstRefusalAfter(since, 'fault');
  must(!!refusal && !!mailer.firstRefusalAfter(since, 'fault'), 'both agents were refused');
  screen.say(
    `Last write on disk: order-mailer ${after(since, later.mailsChangedAt)}, price-bot ${after(since, later.pricesChangedAt)}. Nobody had to reach them.`,
  );
  screen.say(`price-bot was refused: ${refusal.why}`);
}

export async function silentStore(cast: Cast): Promise<void> {
  cast.screen.title(`8. The switch falls silent: everything stops within the lease (${cast.leaseMs} ms)`);
  const { silence } = cast.store;
  await bothStop(cast, silence);
  cast.screen.say(silence.ends);
  await silence.end();
  await bothWork(cast);
}

export async function lostStore(cast: Cast): Promise<void> {
  const { screen, control, shop, store } = cast;
  screen.title('9. The switch is lost: nobody takes that for "nothing is killed"');
  await bothStop(cast, store.loss);
  await store.loss.end();
  screen.say(store.loss.ends);
  const before = await shop.count();
  must(
    same(before, await watch(cast, cast.leaseMs + LANDING_MS)),
    'a store that was lost stays stopped when it comes back',
  );
  screen.command('kill-switch recover --reason "looked at it, nothing is missing"');
  await control.recover({ reason: 'looked at it, nothing is missing' });
  await bothWork(cast);
}
