import { isKillSwitchError } from '../../index.ts';
import type { Entry } from './price-import.ts';
import { supplierList } from './shop.ts';
import { after, bothWork, type Cast, kill, must, same, SOON_MS, TourFailed, watch } from './stage.ts';

const ROWS = 40;

const isNote =
  (note: 'signalled' | 'closed') =>
  (entry: Entry): boolean =>
    'note' in entry && entry.note === note;

/**
 * An agent is killed in the middle of one long action: its signal fires, the action ends cleanly, and only then
 * the agent counts as stopped.
 */
export async function killOne(cast: Cast): Promise<void> {
  const { screen, shop, bot } = cast;
  screen.title('5. Kill one agent, in the middle of its work');
  await shop.priceImport.send(supplierList(ROWS));
  const begun = await watch(cast, SOON_MS, ({ rows }) => rows >= 10);
  must(begun.rows >= 10, 'price-bot takes over the list of its supplier');
  screen.say(`price-bot takes over ${ROWS} prices of a supplier, in one action. ${begun.rows} are on the disk.`);
  const since = Date.now();
  const { seen, acknowledgedAt } = await kill(cast, 'agent:price-bot', 'wrong prices');
  const stopped = await shop.count();
  const later = await watch(cast, 1000);
  must(
    stopped.pricesChangedAt <= acknowledgedAt + 1 && later.prices === stopped.prices && later.rows === stopped.rows,
    `price-bot writes nothing after it has acknowledged its kill (prices on disk: ${stopped.prices}, 1 s later ${later.prices})`,
  );
  must(later.mails > stopped.mails, 'order-mailer goes on when only price-bot is killed');

  const entries = await shop.priceImport.entries();
  const signalled = entries.findIndex(isNote('signalled'));
  const closed = entries.at(-1);
  must(signalled >= 0, 'the signal of an action under way fires when it is killed');
  must(closed !== undefined && isNote('closed')(closed), 'an action whose signal has fired ends cleanly');
  must(stopped.rows < ROWS && entries.length - signalled <= 3, 'it begins no row after its signal');
  const revisions = entries.flatMap((entry) => ('row' in entry ? [entry.revision] : []));
  must(revisions.at(-1) === later.prices, 'what it had written is in its books, and nothing else was written');
  const draining = seen.get(bot.name)?.get('draining');
  must(
    draining !== undefined && draining < acknowledgedAt && closed.at <= acknowledgedAt + 1,
    'what is under way is shown as draining, and as stopped only when it has ended',
  );
  const signal = entries[signalled]?.at ?? 0;
  screen.say(
    `Its signal fired ${after(since, signal)} after the command. It ended the row that it was in and closed its books, ${after(signal, closed.at)} after that:`,
  );
  screen.say(
    `${later.rows} of ${ROWS} rows, ${'why' in closed ? closed.why : ''}. That is on the disk, and 0 changes since.`,
  );
  screen.say(`price-bot was refused: ${bot.firstRefusalAfter(since, 'kill')?.why ?? ''}`);
  screen.say(`Since then: ${bot.firstRefusalAfter(acknowledgedAt, 'kill')?.why ?? ''}`);
  screen.say(`order-mailer goes on: ${later.mails - stopped.mails} mails since.`);
}

export async function killAll(cast: Cast): Promise<void> {
  const { screen, shop } = cast;
  screen.title('6. Kill everything');
  const { acknowledgedAt } = await kill(cast, 'all', 'something is wrong');
  const stopped = await shop.count();
  const later = await watch(cast, 1000);
  const last = Math.max(later.mailsChangedAt, later.pricesChangedAt);
  must(
    last <= acknowledgedAt + 1 && same(stopped, later),
    `nothing is written after everyone has acknowledged (last write ${after(acknowledgedAt, last)} after that)`,
  );
  screen.table([
    ['on disk', 'mails', 'price changes'],
    ['when all had stopped', String(stopped.mails), String(stopped.prices)],
    ['1 s later', String(later.mails), String(later.prices)],
  ]);
  screen.say(`The last write on disk was ${Math.round(acknowledgedAt - last)} ms before the last acknowledgement.`);
}

export async function revive(cast: Cast): Promise<void> {
  const { screen, control, shop } = cast;
  screen.title('7. Giving authority back takes a reason');
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
  await watch(cast, SOON_MS, ({ rows }) => rows >= ROWS);
  const entries = await shop.priceImport.entries();
  const rows = entries.flatMap((entry) => ('row' in entry ? [entry.row] : []));
  must(
    rows.length === ROWS && rows.every((row, index) => row === index + 1),
    'an import that was stopped goes on where it was, each row once',
  );
  screen.say(`Its import went on with row ${before.rows + 1}: all ${ROWS} rows are in its books, each once.`);
}
