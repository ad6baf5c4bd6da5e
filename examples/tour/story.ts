import { isKillSwitchError } from '../../index.ts';
import type { Acknowledgements, ControlPlane } from '../../operator/index.ts';
import type { AgentProcess } from './agent-process.ts';
import type { Screen } from './screen.ts';
import type { OnDisk, Shop } from './shop.ts';
import type { Fault, TourStore } from './tour-store.ts';

export interface Cast {
  readonly screen: Screen;
  readonly control: ControlPlane;
  readonly store: TourStore;
  readonly shop: Shop;
  readonly mailer: AgentProcess;
  readonly bot: AgentProcess;
  readonly leaseMs: number;
}

/** The switch did not do what it promises. */
export class TourFailed extends Error {}

function must(holds: boolean, promise: string): asserts holds {
  if (!holds) throw new TourFailed(promise);
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** How long work may take to begin again, in milliseconds; it takes far less. */
const SOON_MS = 10_000;
/** A write that began within the lease needs a moment to land. */
const LANDING_MS = 500;

const after = (from: number, at: number): string => `${at >= from ? '+' : ''}${Math.round(at - from)} ms`;

/** Looks at the disk until something is so or the time is over, with the counters on the screen. */
async function watch(
  { screen, shop, mailer, bot }: Cast,
  forMs: number,
  until: (disk: OnDisk) => boolean = () => false,
): Promise<OnDisk> {
  const end = performance.now() + forMs;
  for (;;) {
    const disk = await shop.count();
    screen.live(
      `${disk.mails} mails, ${disk.prices} price changes · refused: mailer ${mailer.refused}, price-bot ${bot.refused}`,
    );
    if (until(disk) || performance.now() >= end) return disk;
    await sleep(100);
  }
}

const same = (a: OnDisk, b: OnDisk): boolean =>
  a.mails === b.mails &&
  a.prices === b.prices &&
  a.mailsChangedAt === b.mailsChangedAt &&
  a.pricesChangedAt === b.pricesChangedAt;

async function bothWork(cast: Cast): Promise<void> {
  const before = await cast.shop.count();
  const grown = ({ mails, prices }: OnDisk): boolean => mails >= before.mails + 5 && prices >= before.prices + 5;
  const from = performance.now();
  const now = await watch(cast, SOON_MS, grown);
  must(grown(now), `both agents work again within ${SOON_MS} ms`);
  cast.screen.say(
    `Both work: ${now.mails - before.mails} more mails, ${now.prices - before.prices} more price changes in ${Math.round(performance.now() - from)} ms.`,
  );
}

async function freshStart(cast: Cast): Promise<void> {
  const { screen, control, mailer, bot } = cast;
  screen.title('1. A fresh switch starts in draft_only');
  const disk = await watch(cast, 1000);
  must((await control.status()).mode === 'draft_only', 'a fresh control plane is in draft_only');
  must(mailer.refused > 0 && bot.refused > 0, 'both agents have tried to write');
  must(disk.mails === 0 && disk.prices === 0, 'nothing lands in draft_only');
  screen.say(`The agents run, and may read. They tried to write ${mailer.refused + bot.refused} times, and were told:`);
  screen.say(mailer.firstRefusalAfter(0, 'mode')?.why ?? '');
  screen.say(`On disk: ${disk.mails} mails, ${disk.prices} price changes.`);
}

async function goLive(cast: Cast): Promise<void> {
  const { screen, control } = cast;
  screen.title('2. The operator lets them work');
  screen.command('kill-switch mode live --reason "launch"');
  await control.setMode({ mode: 'live', reason: 'launch' });
  await bothWork(cast);
  await watch(cast, 1000);
}

/** Kills a target and shows who obeyed when, in milliseconds since the command. Gives the time at which the last one had acknowledged. */
async function kill({ screen, control, shop, mailer, bot }: Cast, target: string, reason: string): Promise<number> {
  screen.command(`kill-switch kill ${target} --reason "${reason}"`);
  const heard = new Map<string, number>();
  const working = new Map([mailer, bot].map((agent) => [agent, agent.isWorking]));
  const since = Date.now();
  const onProgress = ({ executors }: Acknowledgements): void => {
    for (const { name, state } of executors) if (state === 'stopped' && !heard.has(name)) heard.set(name, Date.now());
  };
  const { epoch, acknowledgements } = await control.kill({ target, reason, waitMs: 5000, onProgress });
  const { total, drained } = acknowledgements;
  must(total === 2 && drained === 2, `both agents acknowledge a kill within 5 s (${drained} of ${total} did)`);
  const disk = await shop.count();
  const row = (agent: AgentProcess, lastWrite: number): readonly string[] => {
    const refusal = agent.firstRefusalAfter(since, 'kill');
    const shown = !working.get(agent)
      ? ['stopped before', '']
      : refusal
        ? [after(since, lastWrite), after(since, refusal.at)]
        : ['goes on', ''];
    return [agent.name, ...shown, after(since, heard.get(agent.name) as number)];
  };
  screen.table([
    ['since the command', 'last write', 'first refusal', `acknowledged (epoch ${epoch})`],
    row(mailer, disk.mailsChangedAt),
    row(bot, disk.pricesChangedAt),
  ]);
  return Math.max(...heard.values());
}

async function killOne(cast: Cast): Promise<void> {
  const { screen, shop, bot } = cast;
  screen.title('3. Kill one agent');
  const acknowledgedAt = await kill(cast, 'agent:price-bot', 'wrong prices');
  const stopped = await shop.count();
  const later = await watch(cast, 1500);
  must(
    stopped.pricesChangedAt <= acknowledgedAt + 1 && later.prices === stopped.prices,
    `price-bot writes nothing after it has acknowledged its kill (prices on disk: ${stopped.prices}, 1.5 s later ${later.prices})`,
  );
  must(later.mails > stopped.mails, 'order-mailer goes on when only price-bot is killed');
  screen.say(
    `price-bot: 0 changes on disk since. It was told: ${bot.firstRefusalAfter(acknowledgedAt, 'kill')?.why ?? ''}`,
  );
  screen.say(`order-mailer goes on: ${later.mails - stopped.mails} mails since.`);
}

async function killAll(cast: Cast): Promise<void> {
  const { screen, shop } = cast;
  screen.title('4. Kill everything');
  const acknowledgedAt = await kill(cast, 'all', 'something is wrong');
  const stopped = await shop.count();
  const later = await watch(cast, 1500);
  const last = Math.max(later.mailsChangedAt, later.pricesChangedAt);
  must(
    last <= acknowledgedAt + 1 && same(stopped, later),
    `nothing is written after everyone has acknowledged (last write ${after(acknowledgedAt, last)} after that)`,
  );
  screen.table([
    ['on disk', 'mails', 'price changes'],
    ['when all had stopped', String(stopped.mails), String(stopped.prices)],
    ['1.5 s later', String(later.mails), String(later.prices)],
  ]);
  screen.say(`The last write on disk was ${Math.round(acknowledgedAt - last)} ms before the last acknowledgement.`);
}

async function revive(cast: Cast): Promise<void> {
  const { screen, control, shop } = cast;
  screen.title('5. Giving authority back takes a reason');
  screen.command('kill-switch revive all');
  try {
    await control.revive({ target: 'all' });
    throw new TourFailed('a revive without a reason is refused');
  } catch (error) {
    if (!isKillSwitchError(error) || error.code !== 'REASON_REQUIRED') throw error;
    screen.say(`Refused: ${error.message}`);
  }
  screen.command('kill-switch revive all --reason "cause found"');
  await control.revive({ target: 'all', reason: 'cause found' });
  const before = await shop.count();
  const disk = await watch(cast, SOON_MS, ({ mails }) => mails >= before.mails + 5);
  must(disk.mails > before.mails, 'order-mailer works again after the revive');
  must(disk.prices === before.prices, 'price-bot stays stopped by its own kill');
  screen.say('order-mailer works again. price-bot still has its own kill: lifting one leaves the others.');
  screen.command('kill-switch revive agent:price-bot --reason "prices checked"');
  await control.revive({ target: 'agent:price-bot', reason: 'prices checked' });
  await bothWork(cast);
}

/** Both stop within so many milliseconds of the fault, by what the disk says, and tell why. */
async function bothStop(cast: Cast, fault: Fault): Promise<void> {
  const { screen, shop, mailer, bot, leaseMs } = cast;
  screen.say(fault.begins);
  const since = Date.now();
  await fault.begin();
  const limit = leaseMs + LANDING_MS;
  await watch(cast, limit);
  const stopped = await shop.count();
  const later = await watch(cast, 1000);
  const last = Math.max(later.mailsChangedAt, later.pricesChangedAt);
  must(same(stopped, later) && last <= since + limit, `both stop within the lease (last write ${after(since, last)})`);
  const refusal = bot.firstRefusalAfter(since, 'fault');
  must(!!refusal && !!mailer.firstRefusalAfter(since, 'fault'), 'both agents were refused');
  screen.say(
    `Last write on disk: order-mailer ${after(since, later.mailsChangedAt)}, price-bot ${after(since, later.pricesChangedAt)}. Nobody had to tell them.`,
  );
  screen.say(`price-bot was told: ${refusal.why}`);
}

async function silentStore(cast: Cast): Promise<void> {
  cast.screen.title(`6. The switch falls silent: everything stops within the lease (${cast.leaseMs} ms)`);
  const { silence } = cast.store;
  await bothStop(cast, silence);
  cast.screen.say(silence.ends);
  await silence.end();
  await bothWork(cast);
}

async function lostStore(cast: Cast): Promise<void> {
  const { screen, control, shop, store } = cast;
  screen.title('7. The switch is lost: nobody takes that for "nothing is killed"');
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

async function verify({ screen, control, shop }: Cast): Promise<void> {
  screen.title('8. Every change is in the log');
  await control.kill({ target: 'all', reason: 'the tour is over' });
  screen.command('kill-switch log verify');
  const verified = await control.verifyLog();
  must(verified.ok, `the log verifies (${verified.problem ?? ''})`);
  const rows: string[][] = [];
  for await (const { seq, type, data, actor, reason } of control.log()) {
    const about = data['target'] ?? data['mode'];
    rows.push([String(seq), type, typeof about === 'string' ? about : '', actor, reason ?? '']);
  }
  screen.table(rows);
  screen.say(`ok: ${verified.events} events, each with the hash of the one before it.`);
  const orders = await shop.mailedOrders();
  must(
    orders.every((order, index) => order === index + 1),
    'every order was confirmed once, whatever was stopped in between',
  );
  screen.say(`${orders.length} orders were confirmed by mail, each once, through all stops.`);
}

/** The tour, step by step. @throws TourFailed as soon as one promise is broken */
export async function tellStory(cast: Cast): Promise<void> {
  for (const step of [freshStart, goLive, killOne, killAll, revive, silentStore, lostStore, verify]) await step(cast);
}
