import { OpenFeature } from '@openfeature/server-sdk';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createKillSwitch, type KillSwitch } from '../../../index.ts';
import { fileStore } from '../../../store/file/index.ts';
import { fileSwitch } from './command.ts';

/** A live switch in a folder, the command on it, and an executor. */
async function open() {
  const ks = fileSwitch();
  await ks.run('init');
  await ks.run('mode', 'live', '--reason', 'test');
  const killSwitch: KillSwitch = await createKillSwitch({
    store: fileStore({ directory: ks.directory }),
    domain: `cli-runs-${Math.random()}`,
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
    async execute({ id }: { id: number }) {
      if (id < 0) throw new Error('connection reset');
      return { id };
    },
  });
  return { ks, killSwitch, refund };
}

test('runs are listed with what they have done, and one of them is shown as a timeline', async () => {
  const { ks, killSwitch, refund } = await open();
  expect((await ks.json('runs')).json).toEqual({ data: [], count: 0 });
  const mail = killSwitch.action({ name: 'mail.send', irreversible: true, execute: async () => 'sent' });
  await killSwitch.run({ runId: 'r-1' }, async () => {
    await refund({ id: 1 }, { idempotencyKey: 'refund-1' });
    await mail(undefined, { idempotencyKey: 'mail-1' });
    await expect(refund({ id: -1 }, { idempotencyKey: 'refund-2' })).rejects.toThrow('reset');
  });
  await refund({ id: 7 }, { idempotencyKey: 'alone' });

  const { json } = await ks.json('runs');
  expect(json).toMatchObject({
    count: 2,
    data: [
      { run_id: null, entries: 1, reversible: 1 },
      { run_id: 'r-1', entries: 3, reversible: 1, states: { landed: 2, failed: 1, unknown: 0, in_flight: 0 } },
    ],
  });
  const { stdout } = await ks.run('runs');
  expect(stdout).toMatch(/^\(outside any run\) +1 +1 /m);
  expect(stdout).toMatch(/^r-1 +3 +1 +2 +- +- +1 /m);

  const run = await ks.json('runs', 'r-1');
  expect(run.json).toMatchObject({
    run_id: 'r-1',
    count: 3,
    entries: [
      {
        ...{ idempotency_key: 'refund-1', action: 'payments.refund', state: 'landed', at: expect.any(String) },
        reverse: { action: 'payments.cancel', input: '{"id":1}' },
      },
      { idempotency_key: 'mail-1', state: 'landed', reverse: null },
      { idempotency_key: 'refund-2', state: 'failed', reverse: null },
    ],
  });
  const people = await ks.run('runs', 'r-1');
  expect(people.stdout).toMatch(/landed +payments\.refund +refund-1 +by payments\.cancel/);
  expect(people.stdout).toMatch(/landed +mail\.send +mail-1 +no: "the action declares no reverse operation"/);
  expect(people.stderr).toContain('3 entries in the run r-1, oldest first; 1 can still be undone');
  expect((await ks.json('runs', 'r-1', '--skip', '1', '--limit', '1')).json).toMatchObject({
    count: 3,
    entries: [{ idempotency_key: 'mail-1' }],
  });
  expect((await ks.json('runs', '')).json).toMatchObject({ run_id: null, count: 1 });
  expect(await ks.run('runs', 'nobody')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('kill-switch runs'),
  });
});

test('an operator says what became of something unknown, once for each, with a reason', async () => {
  const { ks, refund } = await open();
  const tried = { idempotencyKey: 'refund-9' };
  await expect(refund({ id: -9 }, tried)).rejects.toThrow('reset');
  expect(await refund.attempt({ id: -9 }, tried)).toMatchObject({ status: 'aborted', landed: 'unknown' });

  const resolve = (...more: string[]) => ks.run('runs', 'resolve', '', 'refund-9', ...more);
  expect(await resolve('--landed')).toMatchObject({ code: 1, stderr: expect.stringContaining('reason') });
  expect(await resolve('--reason', 'x')).toMatchObject({ code: 2, stderr: expect.stringContaining('--not-landed') });
  expect(await resolve('--landed', '--not-landed', '--reason', 'x')).toMatchObject({ code: 2 });
  const wrong = await ks.run('runs', 'resolve', 'r-1', 'refund-9', '--landed', '--reason', 'x');
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('it was in no run') });

  expect(await resolve('--landed', '--reason', 'on the statement')).toMatchObject({ code: 0 });
  await vi.waitFor(async () =>
    expect(await refund.attempt({ id: -9 }, tried)).toMatchObject({ status: 'executed', repeated: true }),
  );
  expect((await ks.json('runs', '')).json).toMatchObject({
    entries: [{ state: 'landed', resolved: { landed: true } }],
  });
  const log = await ks.run('log');
  expect(log.stdout).toMatch(/resolve +"" refund-9 "?landed"? +"on the statement"/);

  expect(
    (await ks.json('runs', 'resolve', '', 'refund-9', '--not-landed', '--reason', 'it was another')).json,
  ).toMatchObject({
    entry: { state: 'not_landed', idempotency_key: 'refund-9' },
  });
  const known = await refund.attempt({ id: 3 }, { idempotencyKey: 'known' });
  expect(known.status).toBe('executed');
  expect(await ks.run('runs', 'resolve', '', 'known', '--not-landed', '--reason', 'x')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('has landed'),
  });
});

test('what an executor has written is shown so that nothing of it is obeyed or unseen', async () => {
  const { ks, killSwitch, refund } = await open();
  const hostile = 'r-\u202e1\u200b\u2066';
  await killSwitch.run({ runId: hostile }, () => refund({ id: 1 }, { idempotencyKey: 'k\u202egnp' }));
  for (const args of [['runs'], ['runs', hostile]]) {
    const { stdout, stderr, code } = await ks.run(...args);
    expect(code, stderr).toBe(0);
    expect(stdout + stderr).not.toMatch(/[\u202e\u200b\u2066]/);
  }
});
