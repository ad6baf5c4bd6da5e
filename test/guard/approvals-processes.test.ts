import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';

const WORKER = fileURLToPath(new URL('approval-worker.mjs', import.meta.url));

/** An executor's process, which answers each line with one. */
async function startWorker(url: string, name: string) {
  const child = spawn(process.execPath, [WORKER, url, name], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<unknown> => JSON.parse((await lines.next()).value as string);
  expect(await answer()).toBe('ready');
  return {
    /** What it answers. */
    does(...line: readonly unknown[]): Promise<unknown> {
      child.stdin.write(`${JSON.stringify(line)}\n`);
      return answer();
    },
    kill: () => child.kill('SIGKILL'),
  };
}

const STORES = {
  async file() {
    const folder = temporaryFolder('approvals');
    onTestFinished(() => folder.remove());
    return { url: `file:${folder.path}`, store: fileControlStore({ directory: folder.path }) };
  },
  async redis() {
    const { url } = await startRedis();
    return { url, store: redisControlStore({ url }) };
  },
};

async function setUp(which: keyof typeof STORES) {
  const { url, store } = await STORES[which]();
  const dana = await openControlPlane({ store, operator: { id: 'dana' } });
  onTestFinished(() => dana.close());
  await dana.init();
  await dana.setMode({ mode: 'approval_gated', reason: 'test' });
  const worker = (name: string) => startWorker(url, name);
  return { dana, worker };
}

type Asked = { readonly is: string; readonly id: string };
const INPUT = { cents: 500 };
const isClaimed = (used: unknown): boolean => (used as { is: string } | null)?.is === 'claimed';

const WHICH = ['file', ...(hasRedis ? ['redis' as const] : [])] as const;

describe.each(WHICH)('approvals of several processes, in the store %s', (which) => {
  test('are asked for by one, and used by another after the first was killed', async () => {
    const { dana, worker } = await setUp(which);
    const first = await worker('returns');
    const { is, id } = (await first.does('ask', INPUT)) as Asked;
    expect(is).toBe('open');
    first.kill();
    expect((await dana.approvals()).data).toMatchObject([{ id, status: 'pending', input: INPUT }]);
    const second = await worker('returns');
    const decided = second.does('decided', id, INPUT);
    await dana.approve({ id });
    expect(await decided).toEqual({ is: 'approved', edited: null });
    const token = randomUUID();
    expect(await second.does('use', id, INPUT, token)).toMatchObject({ is: 'claimed' });
    expect(await second.does('use', id, INPUT, token)).toMatchObject({ is: 'claimed' });
    const third = await worker('another');
    for (const each of [token, randomUUID()])
      expect(await third.does('use', id, INPUT, each)).toMatchObject({ status: 'used' });
  });

  test('are used by one of two who race, and killed ones are used by none', async () => {
    const { dana, worker } = await setUp(which);
    const [one, two] = await Promise.all([worker('returns'), worker('returns')]);
    for (let round = 0; round < 20; round += 1) {
      const { id } = (await one.does('ask', INPUT)) as Asked;
      await dana.approve({ id });
      const used = await Promise.all([one, two].map((each) => each.does('use', id, INPUT, randomUUID())));
      expect(used.filter(isClaimed), JSON.stringify(used)).toHaveLength(1);
    }
    const { id } = (await one.does('ask', INPUT)) as Asked;
    await dana.approve({ id });
    await dana.kill({ target: 'agent:returns-bot' });
    await dana.revive({ target: 'agent:returns-bot', reason: 'a mistake' });
    const three = await worker('returns'); // has never seen the kill
    for (const each of [one, two, three])
      expect(await each.does('use', id, INPUT, randomUUID())).toMatchObject({ status: 'cancelled' });
  });

  test('that stand are used no more often than they say, by processes that race', async () => {
    const { dana, worker } = await setUp(which);
    const workers = await Promise.all([worker('a'), worker('b')]);
    await dana.allow({ action: 'payments.refund', agentId: 'returns-bot', times: 10, lastsMs: 60_000 });
    for (const each of workers) await each.does('hear');
    const tries = workers.flatMap((each) =>
      Array.from({ length: 8 }, () => each.does('standing', INPUT, randomUUID())),
    );
    const used = await Promise.all(tries);
    expect(used.filter(isClaimed)).toHaveLength(10);
    expect((await dana.standingApprovals()).data).toMatchObject([{ used: 10 }]);
  });
});
