import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { CallOptions } from '../../guard/action.ts';
import type { Outcome } from '../../index.ts';
import { openControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';

const WORKER = fileURLToPath(new URL('held-worker.mjs', import.meta.url));

type Ended = Outcome<string> & { readonly approvalId?: string };

/** A process that makes calls. `dies`: where it kills itself. */
async function startWorker(
  url: string,
  ran: string,
  { name = 'returns', dies = '', leaseMs = 2000, organizationId = 'default' } = {},
) {
  const child = spawn(process.execPath, [WORKER, url, name, ran, dies, `${leaseMs}`, organizationId], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise<string | null>((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
  const waiting = new Map<number, (outcome: Ended) => void>();
  let ready = (): void => {};
  const started = new Promise<void>((resolve) => {
    ready = resolve;
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said: unknown = JSON.parse(line);
    if (!Array.isArray(said)) return ready();
    waiting.get(said[0] as number)?.(said[1] as Ended);
  });
  await started;
  let calls = 0;
  return {
    ended,
    kill: () => child.kill('SIGKILL'),
    attempt(input: object, options: Omit<CallOptions, 'signal'> & { readonly runId?: string } = {}): Promise<Ended> {
      calls += 1;
      const id = calls;
      child.stdin.write(`${JSON.stringify([id, input, options])}\n`);
      return new Promise((resolve) => waiting.set(id, resolve));
    },
  };
}

const STORES = {
  async file() {
    const folder = temporaryFolder('held-store');
    onTestFinished(() => folder.remove());
    return { url: `file:${folder.path}`, store: fileControlStore({ directory: folder.path }), stop: null };
  },
  async redis() {
    const { url, stop } = await startRedis();
    return { url, store: redisControlStore({ url }), stop };
  },
};

async function setUp(which: keyof typeof STORES) {
  const { url, store, stop } = await STORES[which]();
  const folder = temporaryFolder('held');
  onTestFinished(() => folder.remove());
  const file = join(folder.path, 'ran.jsonl');
  const dana = await openControlPlane({ store, operator: { id: 'dana' } });
  onTestFinished(() => dana.close());
  await dana.init();
  await dana.setMode({ mode: 'approval_gated', reason: 'test' });
  /** An operator of another organization in the same store. */
  const elsewhere = async () => {
    const control = await openControlPlane({ store, operator: { id: 'dana' }, organizationId: 'other' });
    onTestFinished(() => control.close());
    await control.init();
    await control.setMode({ mode: 'approval_gated', reason: 'test' });
  };
  const worker = (options?: Parameters<typeof startWorker>[2]) => startWorker(url, file, options);
  const ran = (): unknown[] =>
    existsSync(file)
      ? readFileSync(file, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
          .map((line): unknown => JSON.parse(line))
      : [];
  return { dana, elsewhere, worker, ran, stop };
}

const FIVE = { cents: 500 };
const used = { status: 'blocked', decision: { cause: { kind: 'approval', status: 'used' } } };

const WHICH = ['file', ...(hasRedis ? ['redis' as const] : [])] as const;

describe.each(WHICH)('held calls of several processes, in the store %s', (which) => {
  test('are asked for by one, and made by another after the first was killed', async () => {
    const { dana, worker, ran } = await setUp(which);
    const first = await worker();
    const { approvalId } = await first.attempt(FIVE);
    first.kill();
    await first.ended;
    const second = await worker({ name: 'another' });
    const call = second.attempt(FIVE, { approvalId, waitMs: 60_000 });
    expect((await dana.approvals()).data).toMatchObject([{ id: approvalId, description: 'Refund 500' }]);
    await dana.approve({ id: approvalId ?? '' });
    expect(await call).toMatchObject({ status: 'executed', result: 'refunded 500' });
    expect(await second.attempt(FIVE, { approvalId })).toMatchObject(used);
    expect(ran()).toEqual([FIVE]);
  });

  test('are refused in any process with other arguments, in another run and in another organization', async () => {
    const { dana, elsewhere, worker, ran } = await setUp(which);
    await elsewhere();
    const [one, two, foreign] = await Promise.all([
      worker(),
      worker({ name: 'another' }),
      worker({ organizationId: 'other' }),
    ]);
    const { approvalId = '' } = await one.attempt(FIVE);
    await dana.approve({ id: approvalId });
    const refusedAs = (status: string) => ({ status: 'blocked', decision: { cause: { kind: 'approval', status } } });
    for (const each of [two, one]) {
      expect(await each.attempt({ cents: 50_000 }, { approvalId })).toMatchObject(refusedAs('other_call'));
      expect(await each.attempt({ ...FIVE, more: 1 }, { approvalId })).toMatchObject(refusedAs('other_call'));
      expect(await each.attempt(FIVE, { approvalId, runId: 'run-8' })).toMatchObject(refusedAs('other_call'));
    }
    expect(await foreign.attempt(FIVE, { approvalId })).toMatchObject(refusedAs('missing'));
    expect(ran()).toEqual([]);
    expect(await two.attempt(FIVE, { approvalId })).toMatchObject({ status: 'executed' });
    expect(await one.attempt(FIVE, { approvalId })).toMatchObject(used);
    expect(ran()).toEqual([FIVE]);
  });

  test('run once where sixteen processes have one approval', async () => {
    const { dana, worker, ran } = await setUp(which);
    const workers = await Promise.all(Array.from({ length: 16 }, (_, index) => worker({ name: `w${index % 3}` })));
    for (let round = 1; round <= 3; round += 1) {
      const input = { cents: round };
      const { approvalId = '' } = (await workers[0]?.attempt(input)) ?? {};
      await dana.approve({ id: approvalId });
      const all = await Promise.all(workers.map((each) => each.attempt(input, { approvalId })));
      const executed = all.filter(({ status }) => status === 'executed');
      expect(executed, JSON.stringify(all.map(({ decision }) => decision.message))).toHaveLength(1);
      for (const each of all) if (each.status !== 'executed') expect(each).toMatchObject(used);
      expect(ran()).toHaveLength(round);
    }
  }, 180_000);

  test('whose process dies after their approval was used have not run, and never will', async () => {
    const { dana, worker, ran } = await setUp(which);
    const options = { idempotencyKey: 'job-1' };
    const dying = await worker({ dies: 'afterClaim' });
    const { approvalId = '' } = await dying.attempt(FIVE, options);
    await dana.approve({ id: approvalId });
    void dying.attempt(FIVE, { ...options, approvalId });
    expect(await dying.ended).toBe('SIGKILL');
    const next = await worker();
    expect(await next.attempt(FIVE, { ...options, approvalId })).toMatchObject(used);
    expect(ran()).toEqual([]);
    expect(await dana.approval(approvalId)).toMatchObject({ status: 'used' });
  });

  test('whose process dies between the intent and the start are unknown, and never run again', async () => {
    const { dana, worker, ran } = await setUp(which);
    const options = { idempotencyKey: 'job-1' };
    const dying = await worker({ dies: 'afterIntent' });
    const { approvalId = '' } = await dying.attempt(FIVE, options);
    await dana.approve({ id: approvalId });
    void dying.attempt(FIVE, { ...options, approvalId });
    expect(await dying.ended).toBe('SIGKILL');
    const next = await worker();
    expect(await next.attempt(FIVE, { ...options, approvalId })).toMatchObject({
      status: 'aborted',
      landed: 'unknown',
    });
    expect(await next.attempt(FIVE, options)).toMatchObject({ status: 'aborted', landed: 'unknown' });
    expect(ran()).toEqual([]);
    // It may be in flight until its executor's lease is over.
    await vi.waitFor(async () => {
      expect((await dana.run('run-7')).entries).toMatchObject([{ idempotency_key: 'job-1', state: 'unknown' }]);
    }, 20_000);
  });

  test('that are delivered again in another process are answered, although their approval is used', async () => {
    const { dana, worker, ran } = await setUp(which);
    const [one, two] = await Promise.all([worker(), worker({ name: 'another' })]);
    const { approvalId = '' } = await one.attempt(FIVE, { idempotencyKey: 'job-1' });
    await dana.approve({ id: approvalId });
    const options = { idempotencyKey: 'job-1', approvalId };
    expect(await one.attempt(FIVE, options)).toMatchObject({ status: 'executed' });
    expect(await two.attempt(FIVE, options)).toMatchObject({
      status: 'executed',
      repeated: true,
      result: 'refunded 500',
    });
    expect(ran()).toHaveLength(1);
  });

  test('are void after a kill that was lifted again, also in a process that starts after it', async () => {
    const { dana, worker, ran } = await setUp(which);
    const one = await worker();
    const { approvalId = '' } = await one.attempt(FIVE);
    await dana.approve({ id: approvalId });
    await dana.kill({ target: 'run:run-7' });
    await dana.revive({ target: 'run:run-7', reason: 'a mistake' });
    const two = await worker();
    for (const each of [two, one])
      expect(await each.attempt(FIVE, { approvalId })).toMatchObject({
        status: 'blocked',
        decision: { cause: { kind: 'approval', status: 'cancelled' } },
      });
    expect(ran()).toEqual([]);
  });

  test('that were allowed twenty times run twenty times, of forty that four processes make at once', async () => {
    const { dana, worker, ran } = await setUp(which);
    await dana.allow({ action: 'payments.refund', agentId: 'returns-bot', times: 20, lastsMs: 600_000 });
    const workers = await Promise.all(
      Array.from({ length: 4 }, (_, index) => worker({ name: `w${index}`, leaseMs: 30_000 })),
    );
    const all = await Promise.all(
      workers.flatMap((each, at) => Array.from({ length: 10 }, (_, index) => each.attempt({ cents: at * 10 + index }))),
    );
    const count = (what: string): number => all.filter(({ status }) => status === what).length;
    // A use is over with its permit: on a busy machine a call may have it too late, and then does not start.
    const late = all.filter(({ status, decision }) => status === 'blocked' && decision.cause.kind === 'fault').length;
    expect([count('executed') + late, count('held'), ran().length]).toEqual([20, 20, count('executed')]);
    expect(count('executed')).toBeGreaterThan(0);
    expect((await dana.standingApprovals()).data).toMatchObject([{ used: 20 }]);
  }, 120_000);

  test.runIf(which === 'redis')('are blocked when their store goes away while they wait', async () => {
    const { worker, ran, stop } = await setUp(which);
    const one = await worker();
    const waiting = one.attempt(FIVE, { waitMs: 600_000 });
    await one.attempt({ cents: 1 }); // it is held, and so is the first
    await stop?.();
    expect(await waiting).toMatchObject({ status: 'blocked', decision: { cause: { kind: 'fault' } } });
    expect(ran()).toEqual([]);
  });
});
