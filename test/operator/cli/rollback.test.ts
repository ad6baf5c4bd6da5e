import { OpenFeature } from '@openfeature/server-sdk';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createKillSwitch, type KillSwitch } from '../../../index.ts';
import { fileStore } from '../../../store/file/index.ts';
import { fileSwitch, start } from './command.ts';

/** For what executors report with their next beat. */
const LONG = { timeout: 20_000 };

/** A live switch in a folder, the command on it, and a run that has refunded something and sent a mail. */
async function open({ mails = false } = {}) {
  const ks = fileSwitch();
  await ks.run('init');
  await ks.run('mode', 'live', '--reason', 'test');
  const killSwitch: KillSwitch = await createKillSwitch({
    store: fileStore({ directory: ks.directory }),
    domain: `cli-rollback-${Math.random()}`,
    executor: { name: 'bot' },
    agentId: 'bot',
  });
  onTestFinished(async () => {
    await killSwitch.close();
    await OpenFeature.clearProviders();
  });
  await vi.waitFor(() => expect(killSwitch.check({ agentId: 'bot' }).mode).toBe('live'));
  const refund = killSwitch.action({
    name: 'payments.refund',
    reverse: { action: 'payments.cancel', input: (result: { id: number }) => result },
    execute: async ({ id }: { id: number }) => ({ id }),
  });
  const cancelled: number[] = [];
  killSwitch.action({ name: 'payments.cancel', execute: async ({ id }: { id: number }) => cancelled.push(id) });
  const mail = killSwitch.action({ name: 'mail.send', irreversible: true, execute: async () => 'sent' });
  await killSwitch.run({ runId: 'r-1' }, async () => {
    for (const id of [1, 2]) await refund({ id }, { idempotencyKey: `refund-${id}` });
    if (mails) await mail(undefined, { idempotencyKey: 'mail-1' });
  });
  await vi.waitUntil(async () => (await ks.json('surfaces')).json.data.length >= 3, LONG);
  return { ks, killSwitch, cancelled };
}

const timesOf = ({ entries }: { entries: ReadonlyArray<{ at: string }> }): readonly string[] =>
  entries.map(({ at }) => at);

test('a run is previewed, undone, and shown as undone', { timeout: 60_000 }, async () => {
  const { ks, cancelled } = await open();
  const preview = await ks.json('rollback', 'r-1', '--dry-run');
  expect(preview.code).toBe(0);
  expect(preview.json).toMatchObject({
    run_id: 'r-1',
    actions: [
      { idempotency_key: 'refund-2', action: 'payments.refund', outcome: 'reversible', detail: 'by payments.cancel' },
      { idempotency_key: 'refund-1', outcome: 'reversible' },
    ],
  });
  expect((await ks.json('kills')).json.count).toBe(0);
  const before = await ks.json('runs', 'r-1');
  const { hash } = preview.json;
  expect((await ks.run('rollback', 'r-1', '--dry-run')).stderr).toContain(
    `kill-switch rollback run:r-1 --hash ${hash}`,
  );

  const done = await ks.json('rollback', 'r-1', '--hash', hash, '--reason', 'wrong refunds');
  expect([done.code, done.json.run_id, done.json.hash]).toEqual([0, 'r-1', hash]);
  expect(done.json.actions.map(({ outcome }: { outcome: string }) => outcome)).toEqual(['reversed', 'reversed']);
  expect(cancelled).toEqual([2, 1]);

  const again = await ks.run('rollback', 'r-1', '--reason', 'again');
  expect([again.code, again.stdout]).toEqual([
    0,
    expect.stringMatching(/^already_reversed +payments\.refund +refund-2 /m),
  ]);
  const run = await ks.run('runs', 'r-1');
  expect(run.stdout).toMatch(
    / reversed +payments\.refund +refund-1 +done by payments\.cancel at \S+Z, asked by unverified:/,
  );
  const now = (await ks.json('runs', 'r-1')).json;
  // Each keeps its own time, so that the timeline goes on; when it was undone is told of that.
  expect(timesOf(now)).toEqual(timesOf(before.json));
  for (const { at, reversal } of now.entries) expect(Date.parse(reversal.at)).toBeGreaterThan(Date.parse(at));
  expect((await ks.json('runs')).json.data[0].last_at).toBe(now.entries[0].reversal.at);
  expect(run.stderr).toContain('0 can still be undone');
  const log = await ks.run('log');
  expect(log.stdout).toMatch(/ rollback +run:r-1 2 effects by bot +"wrong refunds"/);
});

test('what cannot be undone makes exit code 1, and the rest is undone', async () => {
  const { ks, cancelled } = await open({ mails: true });
  const { code, stdout, stderr } = await ks.run('rollback', 'r-1', '--reason', 'wrong refunds');
  expect(code).toBe(1);
  expect(stdout).toMatch(/^not_reversible +mail\.send +mail-1 /m);
  expect(stderr).toContain('run:r-1 is stopped. 2 of 3 effects undone');
  expect(cancelled).toEqual([2, 1]);
});

test('what is missing is said before anything is stopped', async () => {
  const { ks } = await open();
  for (const [args, code, says] of [
    [['rollback', 'r-1'], 1, 'takes a reason'],
    [['rollback', '--reason', 'x'], 2, 'one run, one mission or one agent'],
    [['rollback', '--agent', 'bot', '--reason', 'x'], 2, '--since'],
    [['rollback', 'r-1', '--mission', 'm', '--reason', 'x'], 2, 'one run, one mission or one agent'],
    [['rollback', 'r-9', '--dry-run'], 1, 'Nothing that run:r-9 has done'],
  ] as const) {
    const ran = await ks.run(...args);
    expect([ran.code, ran.stderr], args.join(' ')).toEqual([code, expect.stringContaining(says)]);
  }
  expect((await ks.json('kills')).json.count).toBe(0);
});

test('a target is written as for every other verb, and one that nobody knows is said to be so', {
  timeout: 60_000,
}, async () => {
  const { ks, cancelled } = await open();
  expect((await ks.json('rollback', 'run:r-1', '--dry-run')).json).toMatchObject({ target: 'run:r-1', able: 2 });
  expect((await ks.json('runs', 'run:r-1')).json.run_id).toBe('r-1');
  for (const [args, says] of [
    [['rollback', 'action:payments.refund', '--reason', 'x'], 'cannot be rolled back'],
    [['rollback', 'all', '--reason', 'x'], 'cannot be rolled back'],
    [['rollback', 'run:r-1', '--agent', 'bot', '--reason', 'x'], 'name it once'],
    [['rollback', 'agent:bot', '--reason', 'x'], '--since'],
    [['runs', 'agent:bot'], 'is no run'],
    [['runs', 'resolve', 'mission:m', 'k', '--landed', '--reason', 'x'], 'is no run'],
  ] as const) {
    const { code, stderr } = await ks.here(...args);
    expect([code, stderr], args.join(' ')).toEqual([2, expect.stringContaining(says)]);
  }
  expect((await ks.json('kills')).json.count).toBe(0);

  const unknown = await ks.run('rollback', 'bot', '--reason', 'x');
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain('run:bot: no executor has reported it, now or in the last day');
  expect(unknown.stderr).toContain('Did you mean: kill-switch rollback agent:bot --since TIME --reason "…"');
  expect(unknown.stderr).toContain('run:bot is stopped, at epoch');

  const done = await ks.json('rollback', 'agent:bot', '--since', '1h', '--reason', 'wrong refunds');
  expect([done.code, done.json.target, cancelled]).toEqual([0, 'agent:bot', [2, 1]]);
});

test('Ctrl-C ends the waiting: what is not undone yet is said to go on, and the same command waits for it', {
  timeout: 60_000,
}, async () => {
  const { ks, killSwitch } = await open();
  let goOn = (): void => {};
  let isBegun = false;
  const hangs = new Promise<void>((resolve) => void (goOn = resolve));
  onTestFinished(() => goOn());
  const hold = killSwitch.action({
    name: 'stock.hold',
    reverse: { action: 'stock.release', input: () => null },
    execute: async () => 1,
  });
  killSwitch.action({
    name: 'stock.release',
    async execute() {
      isBegun = true;
      await hangs;
    },
  });
  await killSwitch.run({ runId: 'r-2' }, async () => {
    for (const key of ['hold-1', 'hold-2']) await hold(undefined, { idempotencyKey: key });
  });
  await vi.waitUntil(async () => (await ks.json('surfaces')).json.data.length >= 5, LONG);
  const args = ['rollback', 'r-2', '--reason', 'x'];
  const running = start([...args, '--store', `file:${ks.directory}`, '--operator', 'dana', '--json']);
  const lines: string[] = [];
  running.process.stdout?.on('data', (text: Buffer) => lines.push(text.toString()));
  await vi.waitUntil(() => isBegun, LONG);
  expect(await running.end('SIGINT')).toBe(130);
  const answer = JSON.parse(lines.join(''));
  expect([answer.goes_on, answer.actions.map(({ outcome }: { outcome: string }) => outcome)]).toEqual([
    true,
    ['reversing', 'reversing'],
  ]);
  expect(answer.stopped).toContain('it goes on in the executor bot');
  goOn();
  expect((await ks.run(...args)).code).toBe(0);
});

test('work that does not end in time is not undone under its feet: exit code 3', async () => {
  const { ks, killSwitch, cancelled } = await open();
  let end = (): void => {};
  const slow = killSwitch.action({
    name: 'slow.work',
    execute: () =>
      new Promise<void>((resolve) => {
        end = resolve;
      }),
  });
  const working = killSwitch.run({ runId: 'r-1' }, () => slow.attempt(undefined));
  type Row = { in_flight: number };
  await vi.waitUntil(async () => (await ks.json('executors')).json.data.some((row: Row) => row.in_flight > 0), LONG);
  const { code, json } = await ks.json('rollback', 'r-1', '--reason', 'wrong refunds', '--wait', '500ms');
  expect([code, json.rollback, cancelled]).toEqual([3, null, []]);
  end();
  await working;
  expect((await ks.run('rollback', 'r-1', '--reason', 'wrong refunds')).code).toBe(0);
  expect(cancelled).toEqual([2, 1]);
});
