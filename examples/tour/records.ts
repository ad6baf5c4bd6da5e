import type { Intervention } from '../../flags/index.ts';
import { OWNER } from './shop.ts';
import { type Cast, must, poll, SOON_MS } from './stage.ts';

/** More than the tour makes. */
const ALL = 10_000;

const because = ({ mode, cause }: Intervention): string =>
  [cause['kind'], cause['target'] ?? cause['code'] ?? mode].filter((part) => typeof part === 'string').join(' ');

/**
 * What was not simply allowed, counted from the records that the agents have left in the store, and compared with the
 * disk.
 */
export async function refusals({ screen, control, shop }: Cast): Promise<void> {
  screen.title('14. What was not allowed, and every change, is on record');
  await control.kill({ target: 'all', reason: 'the tour is over' });
  const toOwner = (await shop.inbox()).filter(({ to }) => to === OWNER).length;
  const became = (status: string, records: readonly Intervention[]): readonly Intervention[] =>
    records.filter((record) => record.status === status);
  screen.command('kill-switch interventions');
  // Records are written in batches, a moment after the decision.
  const records = await poll(SOON_MS, async () => {
    const { data } = await control.interventions({ limit: ALL });
    return became('redirected', data).length >= toOwner ? data : null;
  });
  must(
    records !== null && became('redirected', records).length === toOwner,
    'every mail that went to the owner is on record as redirected',
  );
  must(
    became('aborted', records).some(({ action, effect }) => action === 'prices.import' && effect === 'write'),
    'the import that was stopped is on record as aborted',
  );
  must(became('paused', records).length > 0, 'the call that waited is on record as paused');
  const counts = new Map<string, number>();
  for (const record of records) {
    const { agent_id, status, type } = record;
    const key = [agent_id, status, type, because(record)].join('\t');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  screen.table([
    ['times', 'agent', 'what became of it', 'type', 'by'],
    ...[...counts].reverse().map(([key, count]) => [String(count), ...key.split('\t')]),
  ]);
  const redirected = became('redirected', records)[0];
  screen.say(`One of them: ${redirected?.action} ${toText(redirected?.original_input)} → ${toText(redirected?.input)}`);
}

const toText = (input: unknown): string =>
  String(typeof input === 'object' && input !== null && 'to' in input ? input.to : undefined);

export async function verify({ screen, control, shop }: Cast): Promise<void> {
  screen.command('kill-switch log verify');
  const verified = await control.verifyLog();
  must(verified.ok, `the log verifies (${verified.problem ?? ''})`);
  const rows: string[][] = [];
  for await (const { seq, type, data, actor, reason } of control.log()) {
    const about = [data['target'] ?? data['action'] ?? data['name'], data['mode'] ?? data['stage']]
      .filter((part) => typeof part === 'string')
      .join(' → ');
    rows.push([String(seq), type, about, actor, reason ?? '']);
  }
  screen.table(rows);
  screen.say(`ok: ${verified.events} events, each with the hash of the one before it.`);
  const mails = await shop.inbox();
  must(
    mails.every(({ order }, index) => order === index + 1),
    'every order was confirmed once, whatever was stopped in between',
  );
  const toOwner = mails.filter(({ to }) => to === OWNER).length;
  screen.say(`${mails.length} orders were confirmed by mail, each once, through all stops; ${toOwner} to the owner.`);
}
