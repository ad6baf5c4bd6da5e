import { randomUUID } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openControlPlane } from '../../../operator/index.ts';
import { root } from '../../../scripts/prepare.mjs';
import { fileControlStore } from '../../../store/file/control.ts';
import { askedApproval } from '../../flags/approval-requests.ts';
import { codeOf, openSession } from './harness.ts';
import { AGENTS, ANN, as, BOB, ofUsers, WHY_NOT } from './users.ts';

const COMMAND = join(root, 'dist/operator/cli/main.js');
const WORKER = join(root, 'test/guard/approval-worker.mjs');
const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString();

/** An executor's process of that user does these things, and what came of each. */
function asking(user: number, directory: string, ...given: readonly unknown[][]): unknown[] {
  const lines = given.map((line) => JSON.stringify(line)).join('\\n');
  const script = `printf '%b\\n' '${lines}' | ${process.execPath} ${WORKER} file:${directory} returns`;
  const state = join(directory, '..', `state-of-${user}`);
  mkdirSync(state, { recursive: true });
  chownSync(state, user, user);
  const { stdout, stderr } = as(user, 'env', `XDG_STATE_HOME=${state}`, 'sh', '-c', script);
  if (stdout === '') throw new Error(stderr);
  const [, ...answers] = stdout.trim().split('\n');
  return answers.map((line) => JSON.parse(line));
}

describe('approvals in a folder', () => {
  test('what somebody plants beside them is shown, and cannot be decided', async () => {
    const { session, directory } = await openSession();
    const control = await session.initialised();
    const { head } = await control.read([]);
    const executor = session.executor();
    await executor.confirm(head);
    const request = askedApproval({ id: randomUUID(), requested_by: 'mailer' });
    await executor.connection.approvals?.request(request);
    const folder = join(directory, 'executors', 'default', 'approvals');
    const [file = ''] = readdirSync(folder);
    writeFileSync(join(folder, `ffffffffffffffff.${request.id}.json`), JSON.stringify({ ...request, at_ms: 1 }));
    writeFileSync(join(folder, 'ffffffffffffffff.broken.json'), '{');
    mkdirSync(join(folder, 'ffffffffffffffff.folder.json'));
    expect(file).toContain(request.id);
    const found = new Map((await control.approvals?.all())?.requests.map((each) => [each.id, each]));
    expect(found.get(request.id)?.problem).toBe('2 requests have this id');
    expect((await control.approvals?.get(request.id))?.problem).toBe('2 requests have this id');
    expect(found.get('broken')).toMatchObject({ request: null, problem: expect.stringMatching(/cannot be read/) });
    expect(found.get('folder')).toMatchObject({ request: null, problem: expect.stringMatching(/a folder/) });
  });

  test('a claim that cannot be read is somebody’s', async () => {
    const { session, directory } = await openSession();
    const control = await session.initialised();
    const { head } = await control.read([]);
    const executor = session.executor();
    await executor.confirm(head);
    const claims = join(directory, 'executors', 'default', 'claims');
    writeFileSync(join(claims, 'r-1.json'), '');
    mkdirSync(join(claims, 'r-2.json'));
    for (const id of ['r-1', 'r-2'])
      expect(
        await executor.connection.approvals?.claim(
          { id, times: null, until: inAnHour(), use: 'u' },
          { beat: executor.beat(head), nonce: 'n' },
        ),
      ).toMatchObject({ claim: { is: 'ended', as: 'used' } });
  });

  test('where nothing can be written nothing is asked and nothing claimed', async () => {
    const { session } = await openSession();
    const control = await session.initialised();
    const { head } = await control.read([]);
    await session.harness.wipe();
    const executor = session.executor();
    const claim = { id: 'r-1', times: null, until: inAnHour(), use: 'u' };
    const { approvals } = executor.connection;
    const claimed = approvals?.claim(claim, { beat: executor.beat(head), nonce: 'n' });
    // the log is gone: whatever was claimed, no head of it lets anything start
    expect(await claimed).toMatchObject({ head: null, events: null });
  });
});

describe.skipIf(WHY_NOT !== null)(ofUsers('approvals of executors with users of their own'), () => {
  test('are asked for by them, decided by none of them, and a claim is taken back by nobody else', async () => {
    const { directory } = await openSession();
    const executors = join(directory, 'executors');
    mkdirSync(executors, { recursive: true });
    chownSync(executors, 0, AGENTS);
    chmodSync(executors, 0o3770);
    const dana = await openControlPlane({ store: fileControlStore({ directory }), operator: { id: 'dana' } });
    await dana.init();
    await dana.setMode({ mode: 'approval_gated', reason: 'test' });
    const [opened] = asking(ANN, directory, ['ask', { cents: 5 }]) as [{ readonly is: string; readonly id: string }];
    expect(opened).toMatchObject({ is: 'open' });
    const { id } = opened;
    expect(await dana.approval(id)).toMatchObject({ status: 'pending', writer: `uid ${ANN}`, problem: null });
    const tried = as(
      ANN,
      process.execPath,
      COMMAND,
      'approve',
      id,
      '--store',
      `file:${directory}`,
      '--operator',
      'boss',
      '--json',
    );
    expect(tried.status).toBe(1);
    expect(tried.stdout).toMatch(/NOT_PERMITTED|SELF_APPROVAL/);
    expect(await dana.approval(id)).toMatchObject({ status: 'pending' });
    await dana.approve({ id });
    expect(asking(ANN, directory, ['use', id, { cents: 5 }, 'u'])).toMatchObject([{ is: 'claimed' }]);
    const claim = join(executors, 'default', 'claims', `${id}.json`);
    expect(statSync(claim).uid).toBe(ANN);
    expect(as(BOB, 'rm', '-f', claim).status).not.toBe(0);
    expect(asking(BOB, directory, ['use', id, { cents: 5 }, 'u'])).toMatchObject([{ status: 'used' }]);
    await dana.close();
  });

  test('are approved by no operator who runs their executor under the same user, whatever name they give', async () => {
    const { directory } = await openSession();
    const executors = join(directory, 'executors');
    mkdirSync(executors, { recursive: true });
    chownSync(executors, 0, AGENTS);
    chmodSync(executors, 0o3770);
    const dana = await openControlPlane({ store: fileControlStore({ directory }), operator: { id: 'dana' } });
    await dana.init();
    await dana.setMode({ mode: 'approval_gated', reason: 'test' });
    await dana.close();
    // both users may operate this store, which is root's
    for (const path of [directory, join(directory, 'control'), join(directory, 'control', 'default')]) {
      chownSync(path, 0, AGENTS);
      chmodSync(path, 0o2770);
    }
    const log = join(directory, 'control', 'default', 'log.jsonl');
    chownSync(log, 0, AGENTS);
    chmodSync(log, 0o660);
    const [{ id }] = asking(ANN, directory, ['ask', { cents: 5 }]) as [{ readonly id: string }];
    const approve = (user: number) =>
      as(
        user,
        process.execPath,
        COMMAND,
        'approve',
        id,
        '--store',
        `file:${directory}`,
        '--operator',
        'boss',
        '--json',
      );
    expect(JSON.parse(approve(ANN).stdout)).toMatchObject({ code: 'SELF_APPROVAL' });
    expect(JSON.parse(approve(BOB).stdout)).toMatchObject({ approval: { id, status: 'approved' } });
  });
});

test('an executor’s own name and id are those of its connection', async () => {
  const { session } = await openSession();
  const control = await session.initialised();
  const { head } = await control.read([]);
  const [x, y] = [session.executor(), session.executor()];
  const claim = { id: 'r-1', times: null, until: inAnHour(), use: 'u' };
  const wrong = x.connection.approvals?.claim(claim, { beat: y.beat(head), nonce: 'n' }) ?? Promise.resolve();
  expect(await codeOf(wrong)).toBe('INVALID_ARGUMENT');
  expect((await control.approvals?.all())?.requests).toEqual([]);
});
